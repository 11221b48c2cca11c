using System.Globalization;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>What files of ranks leave out: how text is cut, and the special tokens.</summary>
/// <param name="Name">What users call it.</param>
/// <param name="Ranks">How many lines its file has, by which a file of another name is known.</param>
/// <param name="Split">A <see cref="PreTokenizer"/>'s name.</param>
/// <param name="Eos">Ends a text; <paramref name="Bos"/> begins one.</param>
/// <param name="Package">Which of Microsoft's packages of ranks holds it, or most of it.</param>
/// <param name="SpaceRuns">Tokens behind the package's and one special one: two spaces, three, and so on.</param>
internal sealed record RankedVocabulary(
    string Name,
    int Ranks,
    string Split,
    string Eos,
    IReadOnlyList<(string Name, int Id)> Special,
    string? Bos = null,
    bool AddsBos = false,
    string? Package = null,
    int SpaceRuns = 0
)
{
    private const string EndOfText = SpecialTokens.EndOfText;

    public static IReadOnlyList<RankedVocabulary> Known { get; } =
    [
        new("gpt2", 50256, "gpt2", EndOfText, [(EndOfText, 50256)], Package: "R50k"),
        new("r50k", 50256, "gpt2", EndOfText, [(EndOfText, 50256)], Package: "R50k"),
        new("p50k", 50280, "gpt2", EndOfText, [(EndOfText, 50256)], Package: "R50k", SpaceRuns: 24),
        new(
            "cl100k",
            100256,
            "cl100k",
            EndOfText,
            [
                (EndOfText, 100257),
                ("<|fim_prefix|>", 100258),
                ("<|fim_middle|>", 100259),
                ("<|fim_suffix|>", 100260),
                ("<|endofprompt|>", 100276),
            ],
            Package: "Cl100k"
        ),
        new("o200k", 199998, "gpt-4o", EndOfText, [(EndOfText, 199999), ("<|endofprompt|>", 200018)], Package: "O200k"),
        new("llama3", 128000, "llama3", "<|end_of_text|>", LlamaTokens(), "<|begin_of_text|>", AddsBos: true),
        new("qwen", 151643, "qwen2", EndOfText, [(EndOfText, 151643), ("<|im_start|>", 151644), ("<|im_end|>", 151645),
            .. Enumerable.Range(0, 205).Select(i => ($"<|extra_{i}|>", 151646 + i))]),
    ];

    public static RankedVocabulary? ByName(string name) =>
        Known.FirstOrDefault(known => string.Equals(known.Name, Stem(name), StringComparison.OrdinalIgnoreCase));

    /// <summary>Finds a vocabulary by its file's name, or else by its size.</summary>
    /// <exception cref="UserErrorException">The file is not one of the known vocabularies.</exception>
    public static RankedVocabulary Of(string path, byte[][] tokens)
    {
        var count = tokens.Count(token => token.Length > 0);
        return ByName(Path.GetFileName(path)) is { } named && named.Ranks == count ? named
            : Known.FirstOrDefault(known => known.Ranks == count)
            ?? throw new UserErrorException(
                $"{path} has {count} tokens: a file of ranks does not say how text is cut, and this is not the number of "
                    + $"{string.Join(", ", Known.Select(known => $"{known.Name} ({known.Ranks})"))}. Use the vocabulary's tokenizer.json."
            );
    }

    /// <summary>Builds the tokenizer from the package's ranks.</summary>
    public BpeTokenizer BuildPackaged(byte[][] ranks, string name) =>
        Build(
            SpaceRuns == 0
                ? ranks
                : [.. ranks, [], .. Enumerable.Range(2, SpaceRuns).Select(spaces => Enumerable.Repeat((byte)' ', spaces).ToArray())],
            name
        );

    public BpeTokenizer Build(byte[][] ranks, string path)
    {
        ByteLevel.CheckBytes(ranks, [], problem => new UserErrorException($"{path} {problem}. Copy the file again from where it came."));
        var size = Math.Max(ranks.Length, Special.Max(token => token.Id) + 1);
        var bytes = new byte[size][];
        Array.Fill(bytes, []);
        ranks.CopyTo(bytes, 0);
        foreach (var (name, id) in Special) bytes[id] = Encoding.UTF8.GetBytes(name);
        var (eos, bos) = (IdOf(Eos), IdOf(Bos ?? Eos));
        return new BpeTokenizer(
            new Vocabulary(bytes, [.. Special.Select(token => new AddedToken(token.Name, token.Id, Special: true))],
                new SpecialTokens(bos, eos, eos, -1, -1, -1, eos), Before: AddsBos ? [bos] : []),
            RankFile.Merges(ranks, path),
            new BpeRules(PreTokenizer.ByName(Split) ?? throw new InvalidOperationException(Split), WholePieces: true, RankedTokens: true));
    }

    private int IdOf(string name) => Special.First(token => token.Name == name).Id;

    /// <summary>cl100k_base.tiktoken.gz is cl100k.</summary>
    private static string Stem(string name)
    {
        var stem = name.Split('.')[0];
        return stem.EndsWith("_base", StringComparison.OrdinalIgnoreCase) ? stem[..^5] : stem;
    }

    /// <summary>256 of them: ten have names, some reserved ones lie between.</summary>
    private static List<(string, int)> LlamaTokens()
    {
        string?[] first =
        [
            "<|begin_of_text|>",
            "<|end_of_text|>",
            null,
            null,
            null,
            null,
            "<|start_header_id|>",
            "<|end_header_id|>",
            null,
            "<|eot_id|>",
        ];
        var (tokens, reserved) = (new List<(string, int)>(), 0);
        for (var i = 0; i < 256; i++)
        {
            var name =
                i < first.Length && first[i] is { } known
                    ? known
                    : $"<|reserved_special_token_{(reserved++).ToString(CultureInfo.InvariantCulture)}|>";
            tokens.Add((name, 128000 + i));
        }
        return tokens;
    }
}
