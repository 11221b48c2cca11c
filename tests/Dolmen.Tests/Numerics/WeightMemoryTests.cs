using CsCheck;
using Dolmen.Inference.Mixers;

namespace Dolmen.Tests.Numerics;

public unsafe class WeightMemoryTests
{
    /// <summary>Whatever was given back before: buffers are zero, start on cache lines and do not overlap.</summary>
    [Fact]
    public void Buffers_are_zero_and_apart_and_each_keeps_what_is_written() =>
        Gen.Select(Gen.Int[1, 3_000_000], Gen.Bool).Array[1, 30].Sample(requests =>
        {
            var held = new List<(NativeBuffer Buffer, byte Mark)>();
            foreach (var (bytes, dropsFirst) in requests)
            {
                var buffer = WeightMemory.Take(bytes);
                Assert.Equal(bytes, buffer.Bytes);
                Assert.Equal(0, (nint)buffer.Pointer % 64);
                Assert.False(new ReadOnlySpan<byte>(buffer.Pointer, bytes).ContainsAnyExcept((byte)0));
                held.Add((buffer, (byte)(1 + held.Count)));
                new Span<byte>(buffer.Pointer, bytes).Fill(held[^1].Mark);
                if (!dropsFirst) continue;
                held[0].Buffer.Dispose();
                held.RemoveAt(0);
            }
            foreach (var (buffer, mark) in held)
            {
                Assert.False(new ReadOnlySpan<byte>(buffer.Pointer, (int)buffer.Bytes).ContainsAnyExcept(mark));
                buffer.Dispose();
            }
        }, iter: 20, threads: 2);

    [Fact]
    public void Large_buffers_have_chunks_of_their_own()
    {
        using var buffer = WeightMemory.Take(40 << 20);
        buffer.Pointer[(40 << 20) - 1] = 7;
        Assert.Equal(0, (nint)buffer.Pointer % (2 << 20));
        Assert.Throws<ArgumentOutOfRangeException>(() => WeightMemory.Take(-1));
    }

    /// <summary>Pages of several sizes, taken and given back in any order: those in use never overlap, and are counted.</summary>
    [Fact]
    public void Pages_of_states_are_apart_while_they_are_used() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 5]).Array[1, 200].Sample(steps =>
        {
            var memory = new StateMemory();
            var used = new List<(nint Page, int Bytes, byte Mark)>();
            var sizes = new[] { 100, 4096, 70_000 };
            foreach (var (size, action) in steps)
            {
                if (action > 1)
                {
                    var page = memory.Rent(sizes[size]);
                    used.Add((page, sizes[size], (byte)used.Count));
                    new Span<byte>((void*)page, sizes[size]).Fill(used[^1].Mark);
                }
                else if (used.Count > 0)
                {
                    Release(memory, used, size % used.Count);
                }
                Assert.Equal(used.Sum(page => page.Bytes), memory.Bytes);
            }
            while (used.Count > 0) Release(memory, used, 0);
            Assert.Equal(0, memory.Bytes);
        }, iter: 40);

    private static void Release(StateMemory memory, List<(nint Page, int Bytes, byte Mark)> used, int index)
    {
        var (page, bytes, mark) = used[index];
        Assert.False(new ReadOnlySpan<byte>((void*)page, bytes).ContainsAnyExcept(mark));
        used.RemoveAt(index);
        memory.Return(page, bytes);
    }
}
