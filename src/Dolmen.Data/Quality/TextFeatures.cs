namespace Dolmen.Data.Quality;

/// <summary>The hashed n-grams of a text in reading order: words and pairs of adjacent words of one line, and one to three adjacent
/// characters where a script writes no spaces. Punctuation and layout are left out, which filters measure and which tell sources apart
/// rather than quality.</summary>
internal ref struct TextFeatures(ReadOnlySpan<char> text, int bits)
{
    private const ulong Prime = 0x100000001B3, Seed = 0xCBF29CE484222325, Pair = 0x9E3779B97F4A7C15, Finish = 0xD6E8FEB86659FD93;

    private readonly ReadOnlySpan<char> _text = text;
    private readonly int _shift = 64 - bits;
    private int _at, _start, _before, _beforeThat, _pending;
    private ulong _hash, _last, _lastButOne;
    private UnitKind _lastKind;

    public int Index { get; private set; }

    /// <summary>Where the n-gram begins; it ends at <see cref="End"/>.</summary>
    public int Start { get; private set; }

    public readonly int End => _at;

    public bool MoveNext()
    {
        unchecked
        {
            if (_pending == 1) return Longer(Mix((_last * Pair) ^ _hash), _before);
            if (_pending == 2) return Longer(Mix((((_lastButOne * Pair) ^ _last) * Pair) ^ _hash), _beforeThat);
            if (!NextToken(out var kind)) return false;
            Index = Place(Mix(_hash));
            Start = _start;
            _pending = _lastKind == kind ? 1 : 0;
            if (_pending == 0) Shift(kind);
            return true;
        }
    }

    private bool Longer(ulong hash, int start)
    {
        Index = Place(hash);
        Start = start;
        if (_pending == 1 && _lastKind == UnitKind.Single && _lastButOne != 0)
        {
            _pending = 2;
            return true;
        }
        Shift(_lastKind);
        return true;
    }

    private void Shift(UnitKind kind)
    {
        (_lastButOne, _beforeThat) = _lastKind == kind ? (_last, _before) : (0UL, 0);
        (_last, _before) = (_hash, _start);
        _lastKind = kind;
        _pending = 0;
    }

    private bool NextToken(out UnitKind kind)
    {
        unchecked
        {
            var rest = _text;
            var at = _at;
            kind = UnitKind.Separator;
            for (; at < rest.Length; at++)
            {
                kind = Folded.Kind(rest[at]);
                if (kind is UnitKind.Word or UnitKind.Single) break;
                if (kind == UnitKind.LineEnd) _lastKind = UnitKind.Separator;
            }
            if (at >= rest.Length)
            {
                _at = at;
                return false;
            }
            _start = at;
            var hash = (Seed ^ Folded.Letter(rest[at++])) * Prime;
            if (kind == UnitKind.Word)
                for (; at < rest.Length && Folded.Kind(rest[at]) == UnitKind.Word; at++) hash = (hash ^ Folded.Letter(rest[at])) * Prime;
            _hash = hash | 1;                                            // never 0, which stands for none
            _at = at;
            return true;
        }
    }

    private readonly int Place(ulong hash) => (int)(hash >> _shift);

    private static ulong Mix(ulong hash)
    {
        unchecked
        {
            hash = (hash ^ (hash >> 32)) * Finish;
            return (hash ^ (hash >> 29)) * Finish;
        }
    }
}
