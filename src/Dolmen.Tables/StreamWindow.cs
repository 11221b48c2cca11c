namespace Dolmen.Tables;

/// <summary>The part of a stream that is held in memory. Whoever reads moves <see cref="Start"/>; <see cref="Fill"/> appends, and moves or
/// enlarges the buffer where there is no room.</summary>
internal sealed class StreamWindow(Stream stream)
{
    public byte[] Buffer { get; private set; } = new byte[1 << 16];

    /// <summary>Where the bytes begin that are still needed.</summary>
    public int Start { get; set; }

    public int End { get; private set; }

    public bool Ended { get; private set; }

    /// <returns>False at the end of the stream.</returns>
    public bool Fill()
    {
        if (Ended) return false;
        if (End == Buffer.Length)
        {
            var to = End - Start <= Buffer.Length / 2 ? Buffer : new byte[Buffer.Length * 2];
            Buffer.AsSpan(Start, End - Start).CopyTo(to);
            (Buffer, Start, End) = (to, 0, End - Start);
        }
        var read = stream.Read(Buffer.AsSpan(End));
        End += read;
        Ended = read == 0;
        return !Ended;
    }
}
