namespace Dolmen.Artifacts.Compression;

/// <summary>All members as one stream, for files whose records do not depend on members. A member that is not whole is an error.</summary>
public sealed class MemberStream(StoredMembers members) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            var read = members.Read(buffer);
            if (read > 0) return read;
            if (members.Flaw is { } flaw) throw new InvalidDataException($"{flaw} at byte {members.Offset}.");
            var more = members.Next();
            if (members.SkippedGarbage) throw new InvalidDataException($"behind byte {members.Offset} it is not compressed.");
            if (!more) break;
        }
        return 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
