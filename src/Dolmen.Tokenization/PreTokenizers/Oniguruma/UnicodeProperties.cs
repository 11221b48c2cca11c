using System.Collections.Concurrent;
using System.Globalization;

namespace Dolmen.Tokenization.Oniguruma;

/// <summary>The character properties that a pattern can name: general categories, scripts and other properties of Unicode, and the classes
/// of POSIX as Oniguruma defines them on Unicode.</summary>
internal static class UnicodeProperties
{
    /// <summary>Abbreviations of the categories, in the order of <see cref="UnicodeCategory"/>.</summary>
    private static readonly string[] Categories =
        ["lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "zs", "zl", "zp", "cc", "cf", "cs", "co", "pc", "pd", "ps", "pe",
            "pi", "pf", "po", "sm", "sc", "sk", "so", "cn"];

    private static readonly Dictionary<string, string> LongNames = new(StringComparer.Ordinal)
    {
        ["letter"] = "l",
        ["casedletter"] = "lc",
        ["uppercaseletter"] = "lu",
        ["lowercaseletter"] = "ll",
        ["titlecaseletter"] = "lt",
        ["modifierletter"] = "lm",
        ["otherletter"] = "lo",
        ["mark"] = "m",
        ["combiningmark"] = "m",
        ["nonspacingmark"] = "mn",
        ["spacingmark"] = "mc",
        ["enclosingmark"] = "me",
        ["number"] = "n",
        ["decimalnumber"] = "nd",
        ["letternumber"] = "nl",
        ["othernumber"] = "no",
        ["punctuation"] = "p",
        ["connectorpunctuation"] = "pc",
        ["dashpunctuation"] = "pd",
        ["openpunctuation"] = "ps",
        ["closepunctuation"] = "pe",
        ["initialpunctuation"] = "pi",
        ["finalpunctuation"] = "pf",
        ["otherpunctuation"] = "po",
        ["symbol"] = "s",
        ["mathsymbol"] = "sm",
        ["currencysymbol"] = "sc",
        ["modifiersymbol"] = "sk",
        ["othersymbol"] = "so",
        ["separator"] = "z",
        ["spaceseparator"] = "zs",
        ["lineseparator"] = "zl",
        ["paragraphseparator"] = "zp",
        ["other"] = "c",
        ["control"] = "cc",
        ["format"] = "cf",
        ["surrogate"] = "cs",
        ["privateuse"] = "co",
        ["unassigned"] = "cn",
    };

    private static readonly Lazy<Dictionary<string, CodePointSet>> ByCategory = new(ReadCategories);
    private static readonly Lazy<Dictionary<string, string>> Stored = new(ReadStored);
    private static readonly ConcurrentDictionary<string, CodePointSet?> Known = new(StringComparer.Ordinal);

    public static CodePointSet WhiteSpace => Category("z").Or(CodePointSet.Of("\t\n\v\f\r\u0085"));

    public static CodePointSet Digit => Category("nd");

    public static CodePointSet HexDigit => CodePointSet.Of([('0', '9'), ('A', 'F'), ('a', 'f')]);

    /// <summary><c>\w</c> outside of a class: Oniguruma counts six numbers of Latin-1 in there that it leaves out within one.</summary>
    public static CodePointSet Word => WordInClass.Or(CodePointSet.Of("²³¹¼½¾"));

    public static CodePointSet WordInClass => Posix("word")!;

    /// <summary>Null where no property has the name. Case, spaces, hyphens and underscores do not matter.</summary>
    public static CodePointSet? Find(string name) => Known.GetOrAdd(Plain(name), Make);

    /// <summary>The class of POSIX, such as <c>alpha</c>; null where there is none of that name.</summary>
    public static CodePointSet? Posix(string name) => name switch
    {
        "alpha" => Find("alphabetic"),
        "alnum" => Find("alphabetic")!.Or(Digit),
        "ascii" => CodePointSet.Range(0, 127),
        "blank" => Category("zs").Or(CodePointSet.Of('\t')),
        "cntrl" => Category("cc"),
        "digit" => Digit,
        "graph" => WhiteSpace.Or(Category("cc")).Or(Category("cn")).Or(Category("cs")).Not(),
        "lower" => Find("lowercase"),
        "print" => Posix("graph")!.Or(Category("zs")),
        "punct" => Category("p").Or(Category("s")),
        "space" => WhiteSpace,
        "upper" => Find("uppercase"),
        "xdigit" => HexDigit,
        "word" => Find("alphabetic")!.Or(Category("m")).Or(Digit).Or(Category("pc")),
        _ => null,
    };

    public static CodePointSet Category(string name) => ByCategory.Value[name];

    private static CodePointSet? Make(string name)
    {
        if (name == "any") return CodePointSet.All;
        if (ByCategory.Value.TryGetValue(LongNames.GetValueOrDefault(name, name), out var category)) return category;
        if (name == "punct") return Category("p");                       // the class of POSIX holds symbols as well
        if (Posix(name) is { } posix) return posix;
        return Stored.Value.TryGetValue(name, out var ranges) ? CodePointSet.Of(ranges.Split(' ').Select(Range)) : null;
    }

    private static (int, int) Range(string range)
    {
        var bounds = range.Split('-');
        var first = int.Parse(bounds[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (first, bounds.Length == 1 ? first : int.Parse(bounds[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    private static string Plain(string name) =>
        string.Concat(name.Where(letter => letter is not (' ' or '-' or '_'))).ToLowerInvariant();

    private static Dictionary<string, CodePointSet> ReadCategories()
    {
        var ranges = Categories.Select(_ => new List<(int, int)>()).ToArray();
        for (var point = 0; point < CodePointSet.End; point++)
        {
            var of = ranges[(int)CharUnicodeInfo.GetUnicodeCategory(point)];
            if (of.Count > 0 && of[^1].Item2 == point - 1) of[^1] = (of[^1].Item1, point);
            else of.Add((point, point));
        }
        var sets = new Dictionary<string, CodePointSet>(StringComparer.Ordinal);
        for (var i = 0; i < Categories.Length; i++) sets[Categories[i]] = CodePointSet.Of(ranges[i]);
        foreach (var group in Categories.GroupBy(name => name[..1]).ToArray())
            sets[group.Key] = group.Aggregate(CodePointSet.Empty, (all, name) => all.Or(sets[name]));
        sets["lc"] = sets["lu"].Or(sets["ll"]).Or(sets["lt"]);
        return sets;
    }

    private static Dictionary<string, string> ReadStored()
    {
        using var stream = typeof(UnicodeProperties).Assembly.GetManifestResourceStream("unicode-properties.txt")
            ?? throw new InvalidOperationException("The program lacks its table of character properties.");
        using var reader = new StreamReader(stream);
        var stored = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            var fields = line.Split(';');
            foreach (var name in fields[0].Split(' ')) stored[Plain(name)] = fields[1];
        }
        return stored;
    }
}
