using System.Text;
using System.Text.Json.Serialization;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Data.Building;

/// <summary><c>tokens.json</c>: what the shards beside it hold. <paramref name="ValBytes"/> counts the UTF-8 bytes of the held-out text, by
/// which a loss becomes bits per byte.</summary>
public sealed record TokenCounts(
    int VocabSize, int Bos, int Eos, long TrainTokens, long TrainDocuments, long ValTokens, long ValDocuments, long ValBytes)
{
    /// <summary>What became of the training documents.</summary>
    public DataCounts? Train { get; init; }

    /// <summary>What became of the held-out documents.</summary>
    public DataCounts? Val { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(TokenCounts))]
internal sealed partial class TokenCountsJson : JsonSerializerContext;

/// <summary>A corpus as token shards in llm.c's layout, each document between its BOS and EOS.</summary>
public static class CorpusTokens
{
    private const string Stage = "tokens";
    private const int BlockDocuments = 256;

    /// <summary>Writes <c>train.bin</c>, <c>val.bin</c> and, last, <c>tokens.json</c>.</summary>
    /// <exception cref="UserErrorException">One of the directories is not what it should be.</exception>
    public static TokenCounts Pack(
        string corpusDirectory, string tokenizerDirectory, string outDirectory, IProgress<StageProgress> progress, CancellationToken stop)
    {
        Tokenizer tokenizer = TokenizerFolder.Load(tokenizerDirectory);
        var total = CorpusBuild.ReadReport(corpusDirectory);
        var (documentTally, heldOutTally) = (new DataTally("documents"), new DataTally("documents"));
        var documents = CorpusText.ReadDocuments(corpusDirectory, documentTally);
        var heldOut = CorpusText.ReadHeldOut(corpusDirectory, heldOutTally);
        Directory.CreateDirectory(outDirectory);
        var all = total.Documents + total.HeldOut;
        var train = Write(Path.Combine(outDirectory, "train.bin"), tokenizer, documents, 0, all, progress, stop);
        var trainCounts = documentTally.RequireSome(
            corpusDirectory,
            "Training needs documents: build the corpus of more input, or with fewer filters."
        );
        var val = Write(Path.Combine(outDirectory, "val.bin"), tokenizer, heldOut, train.Documents, all, progress, stop);
        var counts = new TokenCounts(
            tokenizer.VocabSize,
            tokenizer.Special.Bos,
            tokenizer.Special.Eos,
            train.Tokens,
            train.Documents,
            val.Tokens,
            val.Documents,
            val.Bytes
        )
        {
            Train = trainCounts,
            Val = heldOutTally.ToCounts(),
        };
        AtomicFile.WriteJson(Path.Combine(outDirectory, "tokens.json"), counts, TokenCountsJson.Default.TokenCounts);
        return counts;
    }

    private static (long Tokens, long Documents, long Bytes) Write(
        string path,
        Tokenizer tokenizer,
        IEnumerable<string> texts,
        long before,
        long all,
        IProgress<StageProgress> progress,
        CancellationToken stop
    )
    {
        long documents = 0,
            bytes = 0;
        var tokens = TokenShardWriter.Write(
            path,
            tokenizer.VocabSize,
            shard =>
            {
                foreach (var block in texts.Chunk(BlockDocuments))
                {
                    // Blocks are encoded on all cores and written in the order of the texts.
                    foreach (var encoded in block.AsParallel().AsOrdered().WithCancellation(stop).Select(text => Encode(tokenizer, text)))
                        shard.Append(encoded);
                    documents += block.Length;
                    bytes += block.Sum(t => (long)Encoding.UTF8.GetByteCount(t));
                    progress.Report(new StageProgress(Stage, before + documents, all, "documents", Path.GetFileName(path)));
                }
            }
        );
        return (tokens, documents, bytes);
    }

    private static int[] Encode(Tokenizer tokenizer, string text)
    {
        var tokens = new List<int>((text.Length / 3) + 2) { tokenizer.Special.Bos };
        tokenizer.Encode(text, tokens);
        tokens.Add(tokenizer.Special.Eos);
        return [.. tokens];
    }
}
