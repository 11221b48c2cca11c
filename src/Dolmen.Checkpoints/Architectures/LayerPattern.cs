using System.Globalization;

namespace Dolmen.Checkpoints;

/// <summary>One layer of a pattern: the mixer's letter, and the feed-forward's or none.</summary>
public readonly record struct LayerKind(char Mixer, char? FeedForward);

/// <summary>Reads layer patterns such as <c>3*(Mf Me) Af</c>.</summary>
public static class LayerPattern
{
    public const string Mixers = "AM2SH";
    public const string FeedForwards = "fe";
    private const int MostLayers = 1024;

    /// <exception cref="FormatException">What is wrong and what a pattern looks like.</exception>
    public static IReadOnlyList<LayerKind> Parse(string pattern)
    {
        var at = 0;
        var layers = Sequence(pattern, ref at, inside: false);
        if (layers.Count == 0) throw Bad("it has no layers");
        return layers;
    }

    private static List<LayerKind> Sequence(string pattern, ref int at, bool inside)
    {
        var layers = new List<LayerKind>();
        while (at < pattern.Length)
        {
            if (pattern[at] is ' ' or ',')
            {
                at++;
                continue;
            }
            if (pattern[at] == ')')
            {
                if (!inside) throw Bad("it has a ')' without its '('");
                return layers;
            }
            var times = Times(pattern, ref at);
            List<LayerKind> group;
            if (at < pattern.Length && pattern[at] == '(')
            {
                at++;
                group = Sequence(pattern, ref at, inside: true);
                if (at == pattern.Length) throw Bad("a '(' is not closed");
                at++;
            }
            else
            {
                group = [Layer(pattern, ref at)];
            }
            if ((long)layers.Count + (long)times * group.Count > MostLayers) throw Bad($"it has more than {MostLayers} layers");
            for (var i = 0; i < times; i++) layers.AddRange(group);
        }
        return layers;
    }

    // "2" alone is a mixer; "2*" repeats.
    private static int Times(string pattern, ref int at)
    {
        var end = at;
        while (end < pattern.Length && char.IsAsciiDigit(pattern[end])) end++;
        if (end == at || end == pattern.Length || pattern[end] != '*') return 1;
        if (!int.TryParse(pattern.AsSpan(at, end - at), CultureInfo.InvariantCulture, out var times) || times is < 1 or > MostLayers)
        {
            throw Bad($"it repeats {pattern[at..end]} times; between 1 and {MostLayers} are possible");
        }
        at = end + 1;
        return times;
    }

    private static LayerKind Layer(string pattern, ref int at)
    {
        if (at == pattern.Length) throw Bad("nothing follows a '*'");
        var mixer = pattern[at];
        if (!Mixers.Contains(mixer)) throw Bad($"'{mixer}' is not a mixer");
        at++;
        if (at < pattern.Length && FeedForwards.Contains(pattern[at])) return new LayerKind(mixer, pattern[at++]);
        return new LayerKind(mixer, null);
    }

    private static FormatException Bad(string what) =>
        new(
            $"{what}. A layer is a letter of {string.Join(' ', Mixers.ToCharArray())} for its mixer and one of "
                + $"{string.Join(' ', FeedForwards.ToCharArray())} or none for its feed-forward, for example '3*(Mf Me) Af'."
        );
}
