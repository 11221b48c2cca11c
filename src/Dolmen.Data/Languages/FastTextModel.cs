using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Dolmen.Artifacts;

namespace Dolmen.Data.Languages;

/// <summary>A supervised fastText model (<c>.bin</c>, or <c>.ftz</c> with product quantisation and pruned n-grams), such as lid.176 or a
/// quality classifier. Predictions are fastText 0.9's; safe to use from many threads at once.</summary>
internal sealed class FastTextModel
{
    private const int Magic = 793712314;
    private const int Version = 12;
    private const int HierarchicalSoftmax = 1, Softmax = 3, OneVersusAll = 4;
    private const int Supervised = 3;
    private readonly FastTextDictionary _dictionary;
    private readonly FastTextMatrix _input, _output;
    private readonly LabelTree? _tree;
    private readonly int _loss;

    /// <summary>Without fastText's <c>__label__</c>.</summary>
    public IReadOnlyList<string> Labels => _dictionary.Labels;

    public static FastTextModel Load(string path)
    {
        try
        {
            InputPlace.ThrowUnlessFile(path);
            using var file = new FileStream(
                RegularFile.Regular(path), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            return new(new(file, path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"{path} cannot be read: {error.Message} Give the path of a fastText model such as lid.176.ftz.",
                error
            );
        }
    }

    private FastTextModel(FastTextReader reader)
    {
        if (reader.Int("its first number") != Magic) throw reader.Broken("it does not begin with fastText's number");
        reader.Int("the version", Version, Version);
        var dimension = reader.Int("the dimension", 1, 1 << 16);
        foreach (var unused in (ReadOnlySpan<string>)["the window", "the epochs", "the least count", "the negatives"]) reader.Int(unused);
        var wordNgrams = reader.Int("the length of word n-grams", 0, 64);
        _loss = reader.Int("the loss", HierarchicalSoftmax, OneVersusAll);
        var kind = reader.Int("the kind of model");
        if (kind != Supervised) throw reader.Broken("it holds word vectors (skip-gram or CBOW), not a classifier");
        var buckets = reader.Int("the number of buckets", 0, int.MaxValue);
        var minn = reader.Int("the least length of character n-grams", 0, 1 << 10);
        var maxn = reader.Int("the greatest length of character n-grams", 0, 1 << 10);
        reader.Int("the update rate");
        reader.Long("the sampling threshold");
        if (buckets == 0 && (maxn > 0 || wordNgrams > 1)) throw reader.Broken("it has n-grams but no buckets for them");

        _dictionary = new(reader, wordNgrams, buckets, minn, maxn);
        var quantised = reader.Flag("the quantisation flag");
        _input = FastTextMatrix.Read(reader, quantised, _dictionary.Rows, dimension, "input");
        var quantisedOutput = reader.Flag("the output's quantisation flag");
        _output = FastTextMatrix.Read(reader, quantised && quantisedOutput, Labels.Count, dimension, "output");
        reader.End();
        if (_loss == HierarchicalSoftmax) _tree = new(_dictionary.LabelCounts);
    }

    /// <summary>Fills the likeliest labels, best first, and returns how many there are: fewer than asked for when the model has fewer
    /// labels, none when it knows nothing of the text.</summary>
    public int Predict(ReadOnlySpan<char> text, Span<LabelScore> best)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        Utf8.FromUtf16(text, bytes, out _, out var written);
        var count = Predict(bytes.AsSpan(0, written), best);
        ArrayPool<byte>.Shared.Return(bytes);
        return count;
    }

    public int Predict(ReadOnlySpan<byte> text, Span<LabelScore> best)
    {
        if (best.IsEmpty) return 0;
        var rows = new FastTextRows(text.Length * 2 + 64);
        var hidden = ArrayPool<float>.Shared.Rent(_input.Stride);
        var result = new BestLabels(best);
        try
        {
            _dictionary.Add(text, ref rows);
            if (rows.Rows.IsEmpty) return 0;
            _input.Average(rows.Rows, hidden.AsSpan(0, _input.Stride));
            if (_tree is not null) _tree.Find(_output, hidden, ref result);
            else FindFlat(hidden, ref result);
            return result.Count;
        }
        finally
        {
            ArrayPool<float>.Shared.Return(hidden);
            rows.Dispose();
        }
    }

    private void FindFlat(ReadOnlySpan<float> hidden, ref BestLabels best)
    {
        var scores = ArrayPool<float>.Shared.Rent(Labels.Count);
        var output = scores.AsSpan(0, Labels.Count);
        for (var i = 0; i < output.Length; i++) output[i] = _output.Dot(i, hidden);
        if (_loss == Softmax) Normalise(output);
        else
            for (var i = 0; i < output.Length; i++) output[i] = TabulatedSigmoid(output[i]);
        for (var i = 0; i < output.Length; i++) best.Add(i, BestLabels.Log(output[i]));
        ArrayPool<float>.Shared.Return(scores);
    }

    private static void Normalise(Span<float> output)
    {
        var max = output[0];
        foreach (var value in output) max = Math.Max(max, value);
        var sum = 0f;
        for (var i = 0; i < output.Length; i++) sum += output[i] = MathF.Exp(output[i] - max);
        for (var i = 0; i < output.Length; i++) output[i] /= sum;
    }

    /// <summary>fastText rounds the argument down to a 32nd and takes 0 and 1 beyond ±8.</summary>
    private static float TabulatedSigmoid(float value) => value switch
    {
        < -8 => 0,
        > 8 => 1,
        _ => (float)(1.0 / (1.0 + MathF.Exp(-((int)((value + 8) * 32) / 32f - 8)))),
    };
}
