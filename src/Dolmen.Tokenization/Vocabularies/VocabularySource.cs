using System.Reflection;
using System.Text.Json;
using Dolmen.Artifacts;

namespace Dolmen.Tokenization;

/// <summary>A tokenizer by what a user calls it: a known vocabulary's name, a vocabulary's file, or a folder that holds one.</summary>
public static class VocabularySource
{
    /// <summary>The environment variable that names folders with vocabularies.</summary>
    public const string FoldersVariable = "DOLMEN_VOCABULARIES";

    private static readonly string[] Endings =
    [
        RankFile.Extension,
        RankFile.Extension + ".gz",
        "_base" + RankFile.Extension,
        "_base" + RankFile.Extension + ".gz",
        ".json",
        ".json.gz",
        ".model",
        ".gguf",
        "",
    ];

    /// <summary>Where vocabularies are looked for by name.</summary>
    public static IReadOnlyList<string> Folders =>
        [
            .. (Environment.GetEnvironmentVariable(FoldersVariable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
            Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify),
                ".cache",
                "dolmen",
                "vocabularies"
            ),
        ];

    /// <param name="source">Name, file or folder.</param>
    /// <param name="gguf">Opens what begins as a GGUF file does; such files are refused when left out.</param>
    /// <exception cref="UserErrorException">Nothing there, or nothing that is a vocabulary, or a damaged one.</exception>
    public static Tokenizer Open(string source, Func<string, Tokenizer>? gguf = null)
    {
        if (Directory.Exists(source)) return TokenizerFolder.Load(source, gguf);
        if (File.Exists(source)) return OfFile(source, gguf);
        if (source.Length == 0 || source.AsSpan().ContainsAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar))
            throw new UserErrorException(
                $"'{source}' does not exist: --tokenizer names a folder or file of a vocabulary, or one of {Names()}."
            );
        foreach (var folder in Folders)
        {
            foreach (var ending in Endings)
            {
                var path = Path.Combine(folder, source + ending);
                if (Directory.Exists(path)) return TokenizerFolder.Load(path, gguf);
                if (File.Exists(path)) return OfFile(path, gguf);
            }
        }
        return OfPackage(source)
            ?? throw new UserErrorException(
                $"'{source}' is not a folder, a file or a vocabulary that is installed. "
                    + (
                        RankedVocabulary.ByName(source) is { } known
                            ? $"Put its file into {Folders[^1]} as {known.Name}{RankFile.Extension} (.gz is read as well), or name the "
                                + $"folder that holds it in {FoldersVariable}."
                            : $"Names are those of files in {string.Join(" and ", Folders)}, and {Names()}."
                    )
            );
    }

    private static string Names() => string.Join(", ", RankedVocabulary.Known.Select(known => known.Name));

    /// <summary>What a folder without a tokenizer.json may hold instead; null where it holds nothing, or several of which none is
    /// meant.</summary>
    internal static string? FindIn(string folder)
    {
        foreach (
            var name in (ReadOnlySpan<string>)["tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "encoder.json"]
        )
            if (File.Exists(Path.Combine(folder, name)))
                return Path.Combine(folder, name);
        string[] others = Directory.Exists(folder)
            ?
            [
                .. Directory
                    .GetFiles(folder)
                    .Where(path =>
                        path.EndsWith(".gguf", StringComparison.Ordinal) || path.Contains(RankFile.Extension, StringComparison.Ordinal)
                    ),
            ]
            : [];
        return others.Length == 1 ? others[0] : null;
    }

    internal static Tokenizer OfFile(string path, Func<string, Tokenizer>? gguf)
    {
        Span<byte> head = stackalloc byte[4];
        using (var file = RegularFile.OpenRead(path)) head = head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        if (head.SequenceEqual("GGUF"u8))
            return gguf?.Invoke(path)
                ?? throw new UserErrorException($"{path} is a GGUF file: its vocabulary cannot be read here. Import the model first.");
        var name = path.EndsWith(".gz", StringComparison.Ordinal) ? path[..^3] : path;
        if (Path.GetFileName(name).StartsWith("rwkv_vocab", StringComparison.Ordinal)) return RwkvVocabulary.Read(path);
        if (name.EndsWith(".json", StringComparison.Ordinal)) return OfJson(path);
        if (name.EndsWith(RankFile.Extension, StringComparison.Ordinal) || IsRanks(head))
        {
            var ranks = RankFile.Read(path);
            return RankedVocabulary.Of(path, ranks).Build(ranks, path);
        }
        if (name.EndsWith(".model", StringComparison.Ordinal))
            return SentencePieceModel.Read(path);
        if (Path.GetFileName(path) is "vocab.bpe" or "merges.txt")
            return PairOfFiles.Read(PairOfFiles.VocabularyBeside(path));
        throw new UserErrorException(
            $"{path} is not a vocabulary by its name: Dolmen reads tokenizer.json, {RankFile.Extension}, SentencePiece's .model, "
                + "vocab.json beside merges.txt, encoder.json beside vocab.bpe, and GGUF."
        );
    }

    private static Tokenizer OfJson(string path)
    {
        if (PairOfFiles.MergesBeside(path) is not null && Path.GetFileName(path) is "vocab.json" or "encoder.json")
            return PairOfFiles.Read(path);
        return TokenizerFolder.LoadFile(path);
    }

    /// <summary>Base64 of tiktoken's first token, "!" in all vocabularies but those whose bytes come in another order.</summary>
    private static bool IsRanks(ReadOnlySpan<byte> head) => head.SequenceEqual("IQ=="u8) || head.SequenceEqual("AA=="u8);

    /// <summary>Packages of Microsoft's that hold a vocabulary and lie beside the program.</summary>
    private static BpeTokenizer? OfPackage(string source)
    {
        if (RankedVocabulary.ByName(source) is not { Package: { } package } known) return null;
        var assembly = $"Microsoft.ML.Tokenizers.Data.{package}Base";
        if (!File.Exists(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"))) return null;
        var resource = $"{package.ToLowerInvariant()}_base{RankFile.Extension}.deflate";
        using var stream = Assembly.Load(assembly).GetManifestResourceStream(resource);
        return stream is null ? null : known.BuildPackaged(RankFile.ReadPacked(stream, resource), resource);
    }
}
