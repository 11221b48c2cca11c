using System.Runtime.Intrinsics;
using CsCheck;
using Dolmen.Modeling.Kernels;

namespace Dolmen.Tests.Modeling;

/// <summary>Both vector widths run here, whichever the processor has: the runtime stands in for the one it lacks.</summary>
public unsafe class LanesTests
{
    [Fact]
    public void Bf16_rounds_to_nearest_even_and_keeps_what_fits() =>
        Gen.Float.Sample(value =>
        {
            if (!float.IsFinite(value))
                return true;
            float rounded = (Bf16)value;
            // The two neighbours with the lower half cleared; the nearer one wins.
            var bits = BitConverter.SingleToUInt32Bits(value);
            var below = BitConverter.UInt32BitsToSingle(bits & 0xFFFF0000);
            if (below == value)
                return rounded == value;
            var above = BitConverter.UInt32BitsToSingle((bits & 0xFFFF0000) + 0x10000);
            var (down, up) = (Math.Abs((double)value - below), Math.Abs((double)above - value));
            return float.IsInfinity(above)
                || (
                    down < up ? rounded == below
                    : up < down ? rounded == above
                    : (BitConverter.SingleToUInt32Bits(rounded) & 0x10000) == 0
                );
        });

    [Fact]
    public void Exp_is_within_two_units_in_the_last_place() =>
        Gen.Float[-80, 80]
            .Sample(x =>
            {
                var (wide, narrow) = (
                    Lanes.Exp<Lanes512, Vector512<float>>(Vector512.Create(x)).GetElement(3),
                    Lanes.Exp<Lanes256, Vector256<float>>(Vector256.Create(x)).GetElement(5)
                );
                var exact = Math.Exp(x);
                return wide == narrow && Math.Abs(wide - exact) <= 3e-7 * exact;
            });

    [Fact]
    public void Both_engines_have_the_same_exp() =>
        Gen.Float[-100, 80]
            .Sample(x =>
            {
                var trained = x < -87 ? 0 : Lanes.Exp<Lanes512, Vector512<float>>(Vector512.Create(x)).GetElement(2);
                return VectorMath.Exp(new System.Numerics.Vector<float>(x))[0] == trained
                    && VectorMath16.Exp(Vector512.Create(x)).GetElement(1) == trained;
            });

    [Fact]
    public void Loads_and_stores_touch_only_what_is_left() => Gen.Int[0, 40].Select(Gen.Bool).Sample((left, half) =>
        half ? Copies<Bf16>(left) : Copies<float>(left));

    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(1000)]
    public void Both_widths_give_the_same_optimizer_step(int count)
    {
        float[][] Run(bool wide)
        {
            float[] Values(int seed) => [.. Enumerable.Range(0, count).Select(i => MathF.Sin(i * 0.7f + seed))];
            var (w, g, m, v) = (Values(1), Values(2), Values(3), Values(4).Select(MathF.Abs).ToArray());
            var step = new AdamWStep(1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, 3, 0.5f);
            fixed (float* pw = w, pg = g, pm = m, pv = v)
            {
                if (wide) AdamWKernel.Step<Lanes512, Vector512<float>>(pw, null, pg, pm, pv, count, step);
                else AdamWKernel.Step<Lanes256, Vector256<float>>(pw, null, pg, pm, pv, count, step);
            }
            return [w, m, v];
        }
        Assert.Equal(Run(wide: true), Run(wide: false));
    }

    [Theory]
    [InlineData(3, 5)]
    [InlineData(17, 100)]
    public void Both_widths_agree_on_cross_entropy(int rows, int vocab)
    {
        (double Loss, float[] Gradient) Run(bool wide)
        {
            var logits = Enumerable.Range(0, rows * vocab).Select(i => 3 * MathF.Sin(i * 1.3f)).ToArray();
            var targets = Enumerable.Range(0, rows).Select(i => i % 4 == 2 ? -1L : i % vocab).ToArray();
            fixed (float* l = logits)
            fixed (long* t = targets)
            {
                var loss = wide
                    ? CrossEntropyKernel.Run<Lanes512, Vector512<float>, float>(l, t, null, null, rows, vocab, 0.25f)
                    : CrossEntropyKernel.Run<Lanes256, Vector256<float>, float>(l, t, null, null, rows, vocab, 0.25f);
                return (loss, logits);
            }
        }
        var (one, other) = (Run(wide: true), Run(wide: false));
        Assert.Equal(one.Loss, other.Loss, 1e-5);
        for (var i = 0; i < rows * vocab; i++) Assert.Equal(one.Gradient[i], other.Gradient[i], 1e-6);
    }

    private static bool Copies<E>(int left) where E : unmanaged
    {
        const int Size = 48;
        var (source, wide, narrow) = (new E[Size], new E[Size], new E[Size]);
        for (var i = 0; i < Size; i++)
        {
            if (source is float[] floats) floats[i] = i + 1;
            else ((Bf16[])(object)source)[i] = (Bf16)(i + 1);
        }
        fixed (E* s = source, w = wide, n = narrow)
        {
            for (var i = 0; i < left; i += 16)
                Lanes.Store<Lanes512, Vector512<float>, E>(w + i, left - i, Lanes.Load<Lanes512, Vector512<float>, E>(s + i, left - i));
            for (var i = 0; i < left; i += 8)
                Lanes.Store<Lanes256, Vector256<float>, E>(n + i, left - i, Lanes.Load<Lanes256, Vector256<float>, E>(s + i, left - i));
        }
        bool Same(E[] copy) => Enumerable.Range(0, Size).All(i => Lanes.ToSingle(copy[i]) == (i < left ? i + 1 : 0));
        return Same(wide) && Same(narrow);
    }
}
