namespace Dolmen.Artifacts.Compression;

/// <summary>The members of a file, uncompressed one after another: gzip members, zstd frames, or the one member a plain file is.</summary>
public abstract class StoredMembers : IDisposable
{
    private protected StoredMembers(StoredFile file) => File = file;

    /// <summary>Where the current member begins in the file as stored.</summary>
    public long Offset { get; protected set; }

    /// <summary>Why the current member ended before its end; null while nothing is wrong with it.</summary>
    public string? Flaw { get; protected set; }

    /// <summary>Bytes that belong to no member lie before the current one.</summary>
    public bool SkippedGarbage { get; protected set; }

    public virtual bool IsPlain => false;

    protected bool Ended { get; set; } = true;                           // nothing is open before the first Next

    public long StoredPosition => File.Here;

    private protected StoredFile File { get; }

    /// <summary>Goes to the member behind the current one; behind a broken one, to the next that can be read.</summary>
    /// <returns>False at the file's end.</returns>
    public abstract bool Next();

    /// <summary>The next bytes of the current member, uncompressed; 0 at its end, whole or not.</summary>
    public abstract int Read(Span<byte> into);

    /// <summary>Leaves the current member, its end checked on the way.</summary>
    /// <returns>Whether it was broken: the next then begins somewhere behind its first byte.</returns>
    protected bool Leave()
    {
        Span<byte> rest = stackalloc byte[1 << 12];
        while (!Ended && Read(rest) > 0)
        {
        }
        SkippedGarbage = false;
        if (Flaw is null) return false;
        File.MoveTo(Offset + 1);
        return true;
    }

    /// <summary>Leaves the rest of the current member unread, for a reason that makes it broken.</summary>
    public void Abandon(string flaw) => (Flaw, Ended) = (flaw, true);

    /// <summary>The first bytes decide how the file is stored; its name does where they are damaged.</summary>
    public static StoredMembers Open(InputFile input)
    {
        var file = new StoredFile(BoundedText.OpenFile(input));
        var start = file.Ahead(16);
        start = start[..Math.Min(start.Length, 16)];
        if (GzipMembers.Begins(start)) return new GzipMembers(file);
        if (ZstdMembers.Begins(start)) return new ZstdMembers(file);
        if (LooksLikeText(start)) return new PlainMember(file);
        return Path.GetExtension(input.Path).ToLowerInvariant() switch
        {
            ".gz" => new GzipMembers(file),
            ".zst" => new ZstdMembers(file),
            _ => new PlainMember(file),
        };
    }

    /// <summary>Whether bytes begin as Zstandard frames do, those that may be skipped among them.</summary>
    public static bool BeginsZstandard(ReadOnlySpan<byte> bytes) => ZstdMembers.Begins(bytes);

    /// <summary>Whether bytes found behind damage may be the start of records rather than chance.</summary>
    protected static bool LooksLikeText(ReadOnlySpan<byte> bytes) =>
        bytes.Length > 0 && bytes.IndexOfAnyExceptInRange((byte)' ', (byte)'~') is < 0 or >= 8;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) File.Dispose();
    }
}

/// <summary>A file that is not compressed.</summary>
internal sealed class PlainMember(StoredFile file) : StoredMembers(file)
{
    public override bool IsPlain => true;

    public override bool Next() => false;                                // it is open from the start and has no neighbour

    public override int Read(Span<byte> into) => File.Read(into);
}
