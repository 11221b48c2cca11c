using System.Runtime.InteropServices;
using System.Text.Json;
using Dolmen.Checkpoints;

namespace Dolmen.Tests.Fakes;

/// <summary>A model folder written by transformers, with what transformers computed from it.</summary>
internal sealed class GoldenFolder : IDisposable
{
    private readonly SafetensorsFile _tensors;
    private readonly JsonDocument _figures;

    public GoldenFolder(string name)
    {
        Path = Of(name);
        Config = HuggingFaceFolder.LoadConfig(Path);
        _tensors = SafetensorsFile.Open(System.IO.Path.Combine(Path, "golden.safetensors"));
        _figures = JsonDocument.Parse(File.ReadAllText(System.IO.Path.Combine(Path, "golden.json")));
    }

    public static string Of(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Inference", "Goldens", name);

    public string Path { get; }

    public ModelConfig Config { get; }

    public double Loss => _figures.RootElement.GetProperty("loss").GetDouble();

    public int[] Prompt => Ids("prompt");

    public int[] Continuation => Ids("greedy_new_tokens");

    public IEnumerable<(string Name, double Norm)> GradientNorms =>
        _figures.RootElement.GetProperty("grad_norms").EnumerateObject().Select(norm => (norm.Name, norm.Value.GetDouble()));

    /// <summary>Sixteen elements of each gradient, evenly spaced: element i·n/count of n.</summary>
    public IReadOnlyDictionary<string, float[]> GradientSamples => JsonSerializer.Deserialize<Dictionary<string, float[]>>(
        File.ReadAllText(System.IO.Path.Combine(Path, "gradient-samples.json"))) ?? [];

    public float[] Floats(string name)
    {
        var values = new float[Entry(name).Elements];
        _tensors.Read(name, values);
        return values;
    }

    public long[] Longs(string name, out long[] shape)
    {
        var entry = Entry(name);
        shape = entry.Shape;
        var values = new long[entry.Elements];
        _tensors.ReadBytes(name, 0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>transformers shifts the labels itself, and −100 does not count there; here −1.</summary>
    public long[] Targets()
    {
        var labels = Longs("labels", out var shape);
        var length = (int)shape[1];
        var targets = new long[labels.Length];
        for (var i = 0; i < targets.Length; i++) targets[i] = i % length == length - 1 || labels[i + 1] < 0 ? -1 : labels[i + 1];
        return targets;
    }

    public void Dispose()
    {
        _tensors.Dispose();
        _figures.Dispose();
    }

    private int[] Ids(string name) => [.. _figures.RootElement.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    private SafetensorsEntry Entry(string name) => _tensors.Find(name) ?? throw new InvalidDataException($"{Path} has no golden '{name}'.");
}
