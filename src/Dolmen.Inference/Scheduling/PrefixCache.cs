using System.Numerics;

namespace Dolmen.Inference;

/// <summary>A state that holds the beginning of a sequence.</summary>
/// <param name="State">The caller's own; empty where nothing was found.</param>
/// <param name="Branch">How many tokens the sequence shares with one that was met before. Where this is more than the state holds, that
/// one's state cannot go back so far: a copy kept here serves the next sequence that branches off.</param>
internal readonly record struct CachedPrefix(DecodeState State, int Branch);

/// <summary>States of sequences that were computed before, found by their tokens: what begins alike is computed once. States that can go
/// back serve every beginning of what they hold; others, recurrent ones, serve the exact moment at which they were kept. What was not used
/// for longest goes first. Not thread-safe.</summary>
/// <param name="budget">Most <see cref="Bytes"/>; 0 keeps nothing.</param>
internal sealed class PrefixCache(LanguageModel model, long budget) : IDisposable
{
    /// <summary>Sequences are compared at every so many tokens.</summary>
    private const int Block = 16;

    private readonly Dictionary<ulong, Entry> _ends = [];                // by the hash of all tokens
    private readonly Dictionary<ulong, Entry> _blocks = [];              // by the hash of whole blocks; the latest of several
    private readonly LinkedList<Entry> _byUse = [];                      // the latest first

    public int Count => _byUse.Count;

    /// <summary>Memory of the states; what they share counts for each of them.</summary>
    public long Bytes { get; private set; }

    /// <summary>Tokens that <see cref="Find"/> was asked for.</summary>
    public long TokensAsked { get; private set; }

    /// <summary>Those of them that were found.</summary>
    public long TokensFound { get; private set; }

    public double HitRate => TokensAsked == 0 ? 0 : (double)TokensFound / TokensAsked;

    /// <summary>The longest beginning of <paramref name="tokens"/> that is known, of at most <paramref name="most"/> of them.</summary>
    public CachedPrefix Find(ReadOnlySpan<int> tokens, int most)
    {
        var hashes = Hashes(tokens);
        var (best, length, branch) = ((Entry?)null, 0, 0);
        for (var n = tokens.Length / Block * Block; n > 0; n -= Block)
        {
            if (!_blocks.TryGetValue(hashes[n], out var known) || !tokens[..n].SequenceEqual(known.Tokens.AsSpan(0, n))) continue;
            branch = tokens.CommonPrefixLength(known.Tokens);
            var usable = Math.Min(branch, most);
            if (usable > 0 && known.State.CanTruncate(usable)) (best, length) = (known, usable);
            break;
        }
        for (var n = Math.Min(tokens.Length, most); n > length; n--)
        {
            if (!_ends.TryGetValue(hashes[n], out var known) || !tokens[..n].SequenceEqual(known.Tokens)) continue;
            (best, length) = (known, n);
            break;
        }
        var empty = model.NewState(model.Config.ContextLength);
        // The model has taken other weights since.
        if (best is not null && best.State.Model != empty.Model)
        {
            Dispose();
            (best, length, branch) = (null, 0, 0);
        }
        TokensAsked += tokens.Length;
        TokensFound += length;
        if (best is null) return new CachedPrefix(empty, branch);
        empty.Dispose();
        Use(best);
        var state = best.State.Fork();
        state.Truncate(length);
        return new CachedPrefix(state, branch);
    }

    /// <summary>Keeps a state that holds just these tokens. It belongs to the cache from now on.</summary>
    public void Keep(ReadOnlySpan<int> tokens, DecodeState state)
    {
        if (state.Length != tokens.Length) throw new ArgumentException("The state holds other tokens.", nameof(state));
        // Where a token's result depends on its prompt's length, no prompt's beginning is that of another.
        if (tokens.IsEmpty || budget == 0 || model.DependsOnLength)
        {
            state.Dispose();
            return;
        }
        var hashes = Hashes(tokens);
        for (var n = 1; n <= tokens.Length; n++)
        {
            // What the new state can be cut to need not be kept.
            if (_ends.TryGetValue(hashes[n], out var known) && tokens[..n].SequenceEqual(known.Tokens) && state.CanTruncate(n)) Drop(known);
        }
        if (_ends.TryGetValue(hashes[^1], out var collided)) Drop(collided);
        var entry = new Entry(tokens.ToArray(), hashes, state);
        _byUse.AddFirst(entry.Node);
        _ends[hashes[^1]] = entry;
        Bytes += state.Bytes;
        Use(entry);
        while (Bytes > budget) DropOldest();
    }

    /// <summary>Drops what was not used for longest.</summary>
    public void DropOldest()
    {
        if (_byUse.Last is { } last) Drop(last.Value);
    }

    public void Dispose()
    {
        while (Count > 0) DropOldest();
    }

    /// <summary>Of the first n tokens at index n.</summary>
    private static ulong[] Hashes(ReadOnlySpan<int> tokens)
    {
        var hashes = new ulong[tokens.Length + 1];
        for (var i = 0; i < tokens.Length; i++)
        {
            var mixed = (hashes[i] ^ (uint)tokens[i]) * 0x9E3779B97F4A7C15;
            hashes[i + 1] = BitOperations.RotateLeft(mixed, 29) + (ulong)i;
        }
        return hashes;
    }

    /// <summary>Makes an entry the latest, the one found at the blocks it shares with others.</summary>
    private void Use(Entry entry)
    {
        _byUse.Remove(entry.Node);
        _byUse.AddFirst(entry.Node);
        for (var n = Block; n <= entry.Tokens.Length; n += Block) _blocks[entry.Hashes[n]] = entry;
    }

    private void Drop(Entry entry)
    {
        _byUse.Remove(entry.Node);
        if (_ends.TryGetValue(entry.Hashes[^1], out var end) && end == entry) _ends.Remove(entry.Hashes[^1]);
        for (var n = Block; n <= entry.Tokens.Length; n += Block)
        {
            if (_blocks.TryGetValue(entry.Hashes[n], out var known) && known == entry) _blocks.Remove(entry.Hashes[n]);
        }
        Bytes -= entry.State.Bytes;
        entry.State.Dispose();
    }

    private sealed class Entry
    {
        public Entry(int[] tokens, ulong[] hashes, DecodeState state)
        {
            (Tokens, Hashes, State) = (tokens, hashes, state);
            Node = new LinkedListNode<Entry>(this);
        }

        public int[] Tokens { get; }

        public DecodeState State { get; }

        public ulong[] Hashes { get; }

        public LinkedListNode<Entry> Node { get; }
    }
}
