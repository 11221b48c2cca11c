using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;
using Dolmen.Data.Inputs;
using Dolmen.Pipeline.Recipes;
using Dolmen.Tokenization;

namespace Dolmen.Benchmarks.Speedrun;

/// <summary>What every contestant learns from and is measured on: a corpus, a vocabulary and token shards. Made once and kept in the user's
/// cache under the hash of everything that decides them, so that races of one day have the same course.</summary>
/// <param name="Id">Of the training and the held-out text: races on different courses must not be compared.</param>
internal sealed record SpeedrunCourse(string Id, string Corpus, string Tokenizer, string Tokens)
{
    private const string Unfinished = ".unfinished";

    /// <exception cref="UserErrorException">The running SDK carries no documentation.</exception>
    public static SpeedrunCourse Prepare(PipelineRecipe recipe, int? threads, IProgress<StageProgress> progress, CancellationToken stop)
    {
        var cache = KnownPlaces.CacheFolder("speedrun");
        var corpus = Made(
            cache,
            "corpus",
            StableHash.Sha256(
                string.Join(
                    '\n',
                    CorpusInputs.Sha256([], stop),
                    JsonSerializer.Serialize(recipe.Corpus),
                    recipe.Seed,
                    VersionOf(typeof(CorpusBuild)),
                    VersionOf(typeof(AtomicFile))
                )
            ),
            folder => CorpusBuild.Run(recipe.Corpus, [], folder, recipe.Seed, progress, stop)
        );
        var id = StableHash.Sha256(
            string.Join('\n', CorpusText.ReadDocuments(corpus).Concat(CorpusText.ReadHeldOut(corpus)).Select(StableHash.Sha256))
        );
        var words = StableHash.Sha256(
            string.Join(
                '\n',
                id,
                JsonSerializer.Serialize(recipe.Tokenizer),
                recipe.Training.ContextLength,
                VersionOf(typeof(BpeTokenizer))
            )
        );
        var tokenizer = Made(cache, "tokenizer", words, folder =>
        {
            var trained = BpeTrainer.Train(CorpusText.ReadTexts(corpus), recipe.Tokenizer, progress, stop, threads);
            TokenizerFolder.Save(trained.Tokenizer, folder, recipe.Training.ContextLength);
        });
        var shards = StableHash.Sha256($"{words}\n{VersionOf(typeof(CorpusTokens))}");
        var tokens = Made(cache, "tokens", shards, folder => CorpusTokens.Pack(corpus, tokenizer, folder, progress, stop));
        return new SpeedrunCourse(id[..12], corpus, tokenizer, tokens);
    }

    /// <summary>A folder that is either whole or not there: what an interrupted call left goes with the next one that makes
    /// something.</summary>
    internal static string Made(string cache, string kind, string hash, Action<string> make)
    {
        var folder = Path.Combine(cache, $"{kind}-{hash[..16]}");
        if (Directory.Exists(folder)) return folder;
        foreach (var left in Directory.Exists(cache) ? Directory.GetDirectories(cache, $"*{Unfinished}") : [])
            if (IsLeft(left)) Directory.Delete(left, recursive: true);
        var unfinished = $"{folder}.{Environment.ProcessId}{Unfinished}";
        Directory.CreateDirectory(unfinished);
        try
        {
            make(unfinished);
        }
        catch
        {
            Directory.Delete(unfinished, recursive: true);
            throw;
        }
        try
        {
            Directory.Move(unfinished, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            // Another race made the same meanwhile.
            Directory.Delete(unfinished, recursive: true);
        }
        return folder;
    }

    /// <summary>No running process makes it: its maker is gone, or is this one, which makes one thing at a time.</summary>
    private static bool IsLeft(string unfinished)
    {
        var maker = Path.GetExtension(unfinished[..^Unfinished.Length]).TrimStart('.');
        if (!int.TryParse(maker, NumberStyles.None, CultureInfo.InvariantCulture, out var id)) return false;
        if (id == Environment.ProcessId) return true;
        try
        {
            using var process = Process.GetProcessById(id);
            return process.HasExited;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    /// <summary>Of the code that makes a part of the course: another build of it may make another course.</summary>
    private static string VersionOf(Type type) => type.Module.ModuleVersionId.ToString();
}
