using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dolmen.Artifacts;
using Microsoft.Win32.SafeHandles;

namespace Dolmen.Data.Deduplication;

/// <summary>Reads a signature file in order, or one row's sketch; the latter from any thread.</summary>
internal sealed class SignatureReader : IDisposable
{
    private readonly string _path;
    private readonly MinHashSettings _settings;
    private readonly SafeFileHandle _handle;
    private readonly SignatureFooter _footer;

    public SignatureReader(string path, MinHashSettings settings)
    {
        _path = path;
        _settings = settings;
        _handle = RegularFile.OpenHandle(path);
        var length = RandomAccess.GetLength(_handle);
        try
        {
            if (length < Unsafe.SizeOf<SignatureFooter>()) throw Broken("it is too short");
            Read(length - Unsafe.SizeOf<SignatureFooter>(), MemoryMarshal.AsBytes(new Span<SignatureFooter>(ref _footer)));
            if (_footer.Magic != SignatureFooter.MagicNumber) throw Broken("it does not end as one");
            if (_footer.Shape != SignatureFooter.ShapeOf(settings))
                throw new UserErrorException(
                    $"{path} holds signatures of another MinHash shape than the recipe's. Use the same minHash settings, or measure the "
                        + $"corpus again."
                );
            if (
                _footer.Rows < 0
                || _footer.OffsetsAt < 0
                || _footer.OffsetsAt + (_footer.Rows * 8) + Unsafe.SizeOf<SignatureFooter>() != length
            )
                throw Broken("its parts do not add up to its length");
        }
        catch
        {
            _handle.Dispose();
            throw;
        }
    }

    public long Rows => _footer.Rows;

    /// <summary>All rows in order. <paramref name="visit"/> gets the row's number, its fixed part, its bands and its sketch.</summary>
    public void Each(Action<long, SignatureRow, ReadOnlySpan<ulong>, ReadOnlySpan<uint>> visit, CancellationToken stop)
    {
        using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 18, FileOptions.SequentialScan);
        var bands = new ulong[_settings.Buckets];
        var sketch = new uint[_settings.SketchShingles];
        for (long row = 0; row < Rows; row++)
        {
            if ((row & 0xfff) == 0) stop.ThrowIfCancellationRequested();
            SignatureRow head = default;
            file.ReadExactly(MemoryMarshal.AsBytes(new Span<SignatureRow>(ref head)));
            if (head.SketchCount > sketch.Length) throw Broken($"row {row} is longer than its shape allows");
            file.ReadExactly(MemoryMarshal.AsBytes(bands.AsSpan()));
            file.ReadExactly(MemoryMarshal.AsBytes(sketch.AsSpan(0, head.SketchCount)));
            visit(row, head, bands, sketch.AsSpan(0, head.SketchCount));
        }
    }

    /// <summary>One row's sketch into <paramref name="into"/>, which must hold <see cref="MinHashSettings.SketchShingles"/>.</summary>
    public int Sketch(long row, Span<uint> into, out bool whole)
    {
        long offset = 0;
        Read(_footer.OffsetsAt + (row * 8), MemoryMarshal.AsBytes(new Span<long>(ref offset)));
        SignatureRow head = default;
        Read(offset, MemoryMarshal.AsBytes(new Span<SignatureRow>(ref head)));
        if (head.SketchCount > into.Length) throw Broken($"row {row} is longer than its shape allows");
        Read(offset + Unsafe.SizeOf<SignatureRow>() + (_settings.Buckets * 8L), MemoryMarshal.AsBytes(into[..head.SketchCount]));
        whole = head.SketchIsComplete;
        return head.SketchCount;
    }

    private void Read(long offset, Span<byte> into)
    {
        while (into.Length > 0)
        {
            var read = RandomAccess.Read(_handle, into, offset);
            if (read <= 0) throw Broken("it ends too early");
            into = into[read..];
            offset += read;
        }
    }

    private UserErrorException Broken(string why) => new($"{_path} is not a signature file: {why}. Delete it and measure its shard again.");

    public void Dispose() => _handle.Dispose();
}
