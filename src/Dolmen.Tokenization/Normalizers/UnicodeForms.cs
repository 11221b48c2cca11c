using System.Globalization;

namespace Dolmen.Tokenization;

/// <summary>What normalization needs to know of characters: combining classes, decompositions and what composes again.</summary>
internal sealed class UnicodeForms
{
    private const int HangulFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TailFirst = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28, HangulCount = LeadCount * VowelCount * TailCount;

    private static readonly Lazy<UnicodeForms> Loaded = new(() => new UnicodeForms());

    private readonly Dictionary<int, byte> _classes = [];
    private readonly Dictionary<int, int[]> _canonical = [];             // one step
    private readonly Dictionary<int, int[]> _compatible = [];            // all steps
    private readonly Dictionary<(int, int), int> _composed = [];
    private readonly HashSet<int> _mayChange = [], _mayChangeCompatibly = [];

    private UnicodeForms()
    {
        using var stream = typeof(UnicodeForms).Assembly.GetManifestResourceStream("unicode-normalization.txt")
            ?? throw new InvalidOperationException("The program lacks its normalization data.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            var fields = line.Split(';');
            var point = Hex(fields[0]);
            if (fields.Length > 1 && fields[1].Length > 0) _classes[point] = byte.Parse(fields[1], CultureInfo.InvariantCulture);
            if (fields.Length > 2 && fields[2].Length > 0) AddCanonical(point, fields[2]);
            if (fields.Length > 3) _compatible[point] = [.. fields[3].Split(' ').Select(Hex)];
        }
        for (var vowel = 0; vowel < VowelCount; vowel++) _mayChange.Add(VowelFirst + vowel);
        for (var tail = 1; tail < TailCount; tail++) _mayChange.Add(TailFirst + tail);
        _mayChange.UnionWith(_classes.Keys);
        _mayChangeCompatibly.UnionWith(_mayChange);
        _mayChangeCompatibly.UnionWith(_compatible.Keys);
    }

    public static UnicodeForms Instance => Loaded.Value;

    /// <summary>False where a character is composed as it stands, whatever its neighbours.</summary>
    public bool MayChange(int point, bool compatibility) => (compatibility ? _mayChangeCompatibly : _mayChange).Contains(point);

    public void Decompose(int point, bool compatibility, List<int> output)
    {
        if ((uint)(point - HangulFirst) < HangulCount)
        {
            var index = point - HangulFirst;
            output.Add(LeadFirst + index / (VowelCount * TailCount));
            output.Add(VowelFirst + index / TailCount % VowelCount);
            if (index % TailCount > 0) output.Add(TailFirst + index % TailCount);
        }
        else if (compatibility && _compatible.TryGetValue(point, out var whole)) output.AddRange(whole);
        else if (_canonical.TryGetValue(point, out var parts))
            foreach (var part in parts) Decompose(part, compatibility, output);
        else output.Add(point);
    }

    /// <summary>Marks behind one another in the order of their classes.</summary>
    public void Order(List<int> points)
    {
        for (var i = 1; i < points.Count; i++)
        {
            var own = Class(points[i]);
            if (own == 0) continue;
            var (point, at) = (points[i], i);
            for (; at > 0 && Class(points[at - 1]) > own; at--) points[at] = points[at - 1];
            points[at] = point;
        }
    }

    public void Compose(List<int> points)
    {
        var (starter, last, write) = (-1, 0, 0);                         // last: class of what was kept behind the starter
        for (var read = 0; read < points.Count; read++)
        {
            var (point, own) = (points[read], Class(points[read]));
            // A mark is blocked by one of its own or a higher class before it, and a starter by any mark.
            if (starter >= 0 && (write == starter + 1 || (last < own && last != 0)) && Pair(points[starter], point) is { } composed)
            {
                points[starter] = composed;
                continue;
            }
            if (own == 0) starter = write;
            last = own;
            points[write++] = point;
        }
        points.RemoveRange(write, points.Count - write);
    }

    private int Class(int point) => _classes.GetValueOrDefault(point);

    private int? Pair(int first, int second)
    {
        if ((uint)(first - LeadFirst) < LeadCount && (uint)(second - VowelFirst) < VowelCount)
            return HangulFirst + ((first - LeadFirst) * VowelCount + second - VowelFirst) * TailCount;
        if (
            (uint)(first - HangulFirst) < HangulCount
            && (first - HangulFirst) % TailCount == 0
            && (uint)(second - TailFirst - 1) < TailCount - 1
        )
            return first + second - TailFirst;
        return _composed.TryGetValue((first, second), out var composed) ? composed : null;
    }

    private void AddCanonical(int point, string field)
    {
        var composes = field[0] == '+';
        int[] parts = [.. field.TrimStart('+').Split(' ').Select(Hex)];
        _canonical[point] = parts;
        if (!composes)
        {
            _mayChange.Add(point);
            return;
        }
        _composed[(parts[0], parts[1])] = point;
        _mayChange.Add(parts[1]);
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
