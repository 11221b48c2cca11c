using System.Runtime.InteropServices;
using Dolmen.Artifacts;

namespace Dolmen.Data.Deduplication;

/// <summary>A signature file: a row for each document (<see cref="SignatureRow"/>, the bands, the sketch), then the rows' offsets, then
/// <see cref="SignatureFooter"/>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct SignatureRow(TextDigest Text, PriorityKey Priority, int Length, int Sketch)
{
    public bool HasBands => (Sketch & 1) != 0;

    public bool SketchIsComplete => (Sketch & 2) != 0;

    public int SketchCount => Sketch >>> 2;
}

[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct SignatureFooter(ulong Magic, ulong Shape, long Rows, long OffsetsAt)
{
    public const ulong MagicNumber = 0x31474953_4D4C4F44;

    public static ulong ShapeOf(MinHashSettings s) =>
        HashMixing.Join(
            HashMixing.Join(HashMixing.Join((ulong)s.Buckets << 32 | (uint)s.HashesPerBucket, (ulong)s.ShingleWords), s.Seed),
            (ulong)s.SketchShingles
        );
}

/// <summary>Writes a shard's signatures, in the order of its documents. The file has its name only once <see cref="Complete"/> was
/// called.</summary>
internal sealed class SignatureWriter : IDisposable
{
    private readonly string _path;
    private readonly MinHashSettings _settings;
    private readonly FileStream _file;
    private readonly List<long> _offsets = [];
    private bool _complete;

    public SignatureWriter(string path, MinHashSettings settings)
    {
        _path = path;
        _settings = settings.Check();
        _file = new FileStream(path + AtomicFile.TemporarySuffix, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 18);
    }

    public int Rows => _offsets.Count;

    public void Add(DocumentSignature signature)
    {
        _offsets.Add(_file.Position);
        var sketch = (signature.SketchCount << 2) | (signature.SketchIsComplete ? 2 : 0) | (signature.HasBands ? 1 : 0);
        var row = new SignatureRow(signature.Text, signature.Priority, signature.Length, sketch);
        _file.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<SignatureRow>(in row)));
        _file.Write(MemoryMarshal.AsBytes(signature.Bands.AsSpan(0, _settings.Buckets)));
        _file.Write(MemoryMarshal.AsBytes(signature.Sketch.AsSpan(0, signature.SketchCount)));
    }

    public void Complete()
    {
        var footer = new SignatureFooter(SignatureFooter.MagicNumber, SignatureFooter.ShapeOf(_settings), _offsets.Count, _file.Position);
        _file.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_offsets)));
        _file.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<SignatureFooter>(in footer)));
        _file.Flush(flushToDisk: true);
        _file.Dispose();
        File.Move(_path + AtomicFile.TemporarySuffix, _path, overwrite: true);
        _complete = true;
    }

    public void Dispose()
    {
        _file.Dispose();
        if (!_complete) File.Delete(_path + AtomicFile.TemporarySuffix);
    }
}
