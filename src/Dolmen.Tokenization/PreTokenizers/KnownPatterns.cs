namespace Dolmen.Tokenization;

/// <summary>The patterns of published vocabularies, in the words of their files, with the scanner that does the same.</summary>
internal static class KnownPatterns
{
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Contractions spelled out, because engines disagree on ignoring case.</summary>
    private const string AnyCase = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";

    private const string AnyCaseOfUnicode = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Digits = "{digits}";

    private const string Cl100kRest = @"|[^\r\n\p{L}\p{N}]?\p{L}+|" + Digits + @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>As nanochat and tiktoken wrote it in between; the same pieces.</summary>
    private const string Cl100kPossessive =
        @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|" + Digits + @"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";

    /// <summary>As tiktoken writes it since 0.8: white space that ends a text is one piece.</summary>
    private const string Cl100kWholeAtEnd =
        @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|" + Digits + @"+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";

    private const string Qwen35 = AnyCaseOfUnicode +
        @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|" + Digits + @"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string O200kHead = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+";
    private const string O200kMiddle = @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*";
    private const string O200kRest = "|" + Digits + @"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public const string DeepSeekWords =
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
        + @"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Latin, Greek, Cyrillic and other letters with case, as DeepSeek's first vocabulary lists them: first and last of each
    /// range.</summary>
    private const string DeepSeekLetters =
        "AZazµµÀÖØöøƺƼƿǄʓʕʯͰͳͶͷͻͽͿͿΆΆΈΊΌΌΎΡΣϵϷҁҊԯԱՖႠჅᎠᏵᏸᏽᲐᲺᲽᲿᴀᴫᵫᵷᵹᶚḀἕἘἝἠὅὈὍὐὗὙὙὛὛὝὝὟ\u1F7Dᾀᾴᾶᾼ\u1FBE\u1FBEῂῄῆῌῐ\u1FD3ῖ\u1FDBῠῬῲῴῶῼ" +
        "ℂℂℇℇℊℓℕℕℙℝℤℤ\u2126\u2126ℨℨ\u212AℭℯℴℹℹℼℿⅅⅉⅎⅎↃↄⰀⱻⱾⳤⳫⳮⳲⳳꙀꙭꚀꚛꜢꝯꝱꞇꞋꞎꭰꮿﬀﬆﬓﬗＡＺａｚ𐐀𐑏𐒰𐓓𐓘𐓻𐲀𐲲𐳀𐳲𑢠𑣟𞤀𞥃";

    private const string DeepSeekPunctuation = "!/:~！／：～‘‟　。";
    private const string DeepSeekHan = "一龥ࠀ一가퟿";
    private const string FalconPunctuation = "$$++<>^^~~||``";

    public static readonly string Cl100k = (AnyCaseOfUnicode + Cl100kRest).Replace(Digits, Numbers(3), StringComparison.Ordinal);

    public static readonly string Qwen2 = (AnyCaseOfUnicode + Cl100kRest).Replace(Digits, Numbers(1), StringComparison.Ordinal);

    public static readonly string Nanochat = Cl100kPossessive.Replace(Digits, Numbers(2), StringComparison.Ordinal);

    public static readonly string O200k =
        (O200kHead + AnyCase + "?" + O200kMiddle + AnyCase + "?" + O200kRest).Replace(Digits, Numbers(3), StringComparison.Ordinal);

    public static readonly string Gpt4o = (O200kHead + AnyCaseOfUnicode + "?" + O200kMiddle + AnyCaseOfUnicode + "?" + O200kRest).Replace(
        Digits,
        Numbers(3),
        StringComparison.Ordinal
    );

    public static readonly string Tekken = (O200kHead + O200kMiddle + O200kRest).Replace(Digits, Numbers(1), StringComparison.Ordinal);

    public static readonly string Qwen35Single = Qwen35.Replace(Digits, Numbers(1), StringComparison.Ordinal);

    private static string Numbers(int most) => most == 1 ? @"\p{N}" : $@"\p{{N}}{{1,{most}}}";

    private static readonly Dictionary<string, PreTokenizer> Scanners = new(StringComparer.Ordinal);

    static KnownPatterns()
    {
        foreach (var pattern in (string[])[Gpt2, Gpt2[..^4],
            @"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            @"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"])
            Add(pattern, new Gpt2PreTokenizer(pattern));
        foreach (var (numbers, digits) in (ReadOnlySpan<(string, int)>)
            [(@"\p{N}", 1), (@"\p{N}{1}", 1), (@"\p{N}{1,2}", 2), (@"\p{N}{1,3}", 3), (@"\p{N}+", int.MaxValue)])
            AddFamilies(numbers, digits);
        AddSteps();
        Add(DeepSeekWords, new DeepSeekPreTokenizer(DeepSeekWords));
        var withBreaks = DeepSeekWords.Replace(@"\r", "\r", StringComparison.Ordinal).Replace(@"\n", "\n", StringComparison.Ordinal);
        Add(withBreaks, new DeepSeekPreTokenizer(withBreaks));
    }

    public static PreTokenizer[] DeepSeekLlm =>
    [
        PreTokenizer.Of(@"[\r\n]"), PreTokenizer.Of($@"\s?[{Ranges(DeepSeekLetters)}]+"), PreTokenizer.Of(@"\s?[!-/:-~！-／：-～‘-‟　-。]+"),
        PreTokenizer.Of(@"\s+$"), PreTokenizer.Of("[一-龥ࠀ-一가-퟿]+"), PreTokenizer.Digits(individual: true),
    ];

    /// <summary>The pattern with other digits; null where it has none that could be others.</summary>
    public static string? WithDigits(string pattern, int most)
    {
        foreach (var numbers in (string[])[@"|\p{N}{1,3}|", @"|\p{N}{1,2}|", @"|\p{N}|"])
            if (pattern.Contains(numbers, StringComparison.Ordinal))
                return pattern.Replace(numbers, $"|{Numbers(most)}|", StringComparison.Ordinal);
        return null;
    }

    public static PreTokenizer? Find(string pattern) => Scanners.GetValueOrDefault(pattern);

    private static void AddFamilies(string numbers, int digits)
    {
        string With(string template) => template.Replace(Digits, numbers, StringComparison.Ordinal);
        void Cl100k(string template, Contractions contractions, bool marks = false, bool wholeAtEnd = false) =>
            Add(With(template), new Cl100kPreTokenizer(With(template), contractions, digits, marks, wholeAtEnd));
        void O200k(string contraction, Contractions contractions)
        {
            var pattern = With(O200kHead + contraction + O200kMiddle + contraction + O200kRest);
            Add(pattern, new O200kPreTokenizer(pattern, contractions, digits));
        }
        Cl100k(AnyCaseOfUnicode + Cl100kRest, Contractions.AnyCaseOfUnicode);
        Cl100k(AnyCase + Cl100kRest, Contractions.AnyCase);
        Cl100k(Cl100kRest[1..], Contractions.None);
        Cl100k(Cl100kPossessive, Contractions.AnyCaseOfUnicode);
        Cl100k(Qwen35, Contractions.AnyCaseOfUnicode, marks: true);
        // In Oniguruma's syntax the + behind {1,3} repeats it and is not possessive.
        if (digits <= 3) Add(With(Cl100kWholeAtEnd), new Cl100kPreTokenizer(
            With(Cl100kWholeAtEnd), Contractions.AnyCaseOfUnicode, int.MaxValue, wholeAtEnd: true));
        O200k(AnyCase + "?", Contractions.AnyCase);
        O200k(AnyCaseOfUnicode + "?", Contractions.AnyCaseOfUnicode);
        O200k("", Contractions.None);
    }

    /// <summary>The steps of sequences.</summary>
    private static void AddSteps()
    {
        AddRun(@"\p{N}", CharKind.Number, most: 1);
        AddRun(@"\p{N}+", CharKind.Number);
        AddRun(@"\p{N}{1,3}", CharKind.Number, most: 3);
        AddRun("[0-9][0-9][0-9]", CharKind.None, "09", least: 3, most: 3);
        AddRun(@"[\r\n]", CharKind.Newline, most: 1);
        AddRun("[\r\n]", CharKind.Newline, most: 1);
        AddRun(@"\s?\p{L}+", CharKind.Letter, leadingSpace: true);
        AddRun(@"\s?\p{P}+", CharKind.Punctuation, leadingSpace: true);
        AddRun(@"[\p{P}\$\+<=>\^~\|`]+", CharKind.Punctuation, FalconPunctuation);
        AddRun(@"[\p{P}\$\+<=>\^~\|]+", CharKind.Punctuation, FalconPunctuation[..^2]);
        AddRun(@"[\p{P}$+<=>^~|`]", CharKind.Punctuation, FalconPunctuation, most: 1);
        AddRun(@"\s+$", CharKind.WhiteSpace, atEnd: true);
        AddRun("[一-龥ࠀ-一가-퟿]+", CharKind.None, DeepSeekHan);
        AddRun("[一-龥\u3040-ゟ゠-ヿ]+", CharKind.None, "一龥\u3040ゟ゠ヿ");
        AddRun(@"\s?[!-/:-~！-／：-～‘-‟　-。]+", CharKind.None, DeepSeekPunctuation, leadingSpace: true);
        AddRun($@"\s?[{Ranges(DeepSeekLetters)}]+", CharKind.None, DeepSeekLetters, leadingSpace: true);
    }

    private static void AddRun(
        string pattern, CharKind kinds, string ranges = "", bool leadingSpace = false, int least = 1, int most = int.MaxValue,
        bool atEnd = false) => Add(pattern, new RunPreTokenizer(pattern, kinds, ranges, leadingSpace, least, most, atEnd));

    /// <summary>First and last of each range as a class writes them: A-Z, and one character where they are the same.</summary>
    private static string Ranges(string bounds)
    {
        var runes = bounds.EnumerateRunes().ToArray();
        return string.Concat(runes.Chunk(2).Select(range => range[0] == range[1] ? $"{range[0]}" : $"{range[0]}-{range[1]}"));
    }

    private static void Add(string pattern, PreTokenizer scanner) => Scanners.TryAdd(pattern, scanner);
}
