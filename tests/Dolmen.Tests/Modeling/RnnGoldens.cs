using System.Text.Json;
using Dolmen.Checkpoints;
using Dolmen.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>Figures of other people's recurrent models: JoeyNMT, OpenNMT and torch.</summary>
internal sealed class RnnGolden : IDisposable
{
    private readonly SafetensorsFile _file;

    public RnnGolden(string name)
    {
        Folder = Path.Combine(AppContext.BaseDirectory, "Modeling", "Goldens", name);
        _file = SafetensorsFile.Open(Path.Combine(Folder, "golden.safetensors"));
    }

    public string Folder { get; }

    public IEnumerable<string> Names => _file.Entries.Select(entry => entry.Name);

    public float[] Values(string name)
    {
        var values = new float[_file.Find(name)!.Shape.Aggregate(1L, (product, size) => product * size)];
        _file.Read(name, values);
        return values;
    }

    public Tensor Tensor(string name) => tensor(Values(name), _file.Find(name)!.Shape);

    /// <summary>int64, row-major.</summary>
    public long[] Whole(string name)
    {
        var bytes = new byte[8 * _file.Find(name)!.Shape.Aggregate(1L, (product, size) => product * size)];
        _file.ReadBytes(name, 0, bytes);
        return [.. Enumerable.Range(0, bytes.Length / 8).Select(i => BitConverter.ToInt64(bytes, 8 * i))];
    }

    public JsonElement Json() => JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "golden.json"))).RootElement;

    public void Dispose() => _file.Dispose();

    /// <summary>The batch of a JoeyNMT golden: three sources of up to 11 tokens, targets of 9, pad 0.</summary>
    public PairBatch Batch()
    {
        var target = Whole("trg");
        var (rows, length) = (3, target.Length / 3);
        long[] Part(int start) => [.. Enumerable.Range(0, rows).SelectMany(row => target.Skip(row * length + start).Take(length - 1))];
        return new PairBatch(
            Whole("src"),
            [.. Whole("src_length").Select(value => (int)value)],
            Part(0),
            [.. Part(1).Select(token => token == 0 ? -1 : token)]
        );
    }

    public static Seq2SeqConfig ConfigOf(string name) => name switch
    {
        "seq2seq_lstm_bahdanau" => new(50, 32, 24, 32, 2, 16, SourceVocabSize: 40),
        "seq2seq_lstm_luong" => new(50, 32, 24, 32, 1, 16, Attention: AttentionEnergy.General, SourceVocabSize: 40),
        "seq2seq_gru_bahdanau_nofeed" => new(50, 32, 24, 32, 1, 16, RecurrentCell.Gru, InputFeeding: false, SourceVocabSize: 40),
        _ => throw new ArgumentException($"No configuration for {name}.", nameof(name)),
    };

    public static void Same(float[] expected, Tensor actual, double tolerance)
    {
        var values = actual.to(ScalarType.Float32).contiguous().data<float>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        for (var i = 0; i < values.Length; i++)
            Assert.True(Math.Abs(expected[i] - values[i]) <= tolerance, $"element {i}: {values[i]}, expected {expected[i]}");
    }

    /// <summary>Within 1e-3 of the norm and 1e-4 of every element.</summary>
    public static void SameGradient(float[] expected, Tensor? actual, string name)
    {
        Assert.NotNull(actual);
        var values = actual.to(ScalarType.Float32).contiguous().data<float>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        var (norm, error) = (
            Math.Sqrt(expected.Sum(x => (double)x * x)),
            Math.Sqrt(expected.Zip(values, (x, y) => Math.Pow(x - y, 2)).Sum())
        );
        Assert.True(error <= 1e-3 * norm + 1e-9, $"{name}: error {error} of norm {norm}");
        Assert.True(expected.Zip(values, (x, y) => Math.Abs(x - y)).Max() <= 1e-4, $"{name}: an element is off by more than 1e-4");
    }
}
