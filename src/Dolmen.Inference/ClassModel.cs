using Dolmen.Checkpoints;
using Dolmen.Inference.Kernels;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

// T tokens, D model, K classes

/// <summary>Runs a decoder that says which of K classes a text is of. Without any native library; one call at a time per model.</summary>
public sealed unsafe class ClassModel : IDisposable
{
    private readonly DecoderBody _body;
    private readonly DecodeLinear _head;
    private readonly Pooling _pooling;

    /// <param name="weights">Gives a tensor of <see cref="ModelConfig.Tensors"/> by name, row-major; asked for each once.</param>
    /// <param name="dtype">How matrices are kept in memory; fp32 when left out.</param>
    /// <param name="threads">All cores when left out.</param>
    public ClassModel(
        DecoderConfig config,
        Func<string, ReadOnlyMemory<float>> weights,
        Func<string, TensorDtype>? dtype = null,
        int? threads = null
    )
    {
        if (config is not { Head: ClassHead { Labels: var labels } } || config.Plan().Head is not ClassHeadSpec head)
            throw new ArgumentException("The model's head is not one of classes.", nameof(config));
        (Config, Labels, _pooling) = (config, labels, head.Pooling);
        var source = new WeightSource(weights, dtype ?? (_ => TensorDtype.Float32));
        _body = new DecoderBody(config, source, threads);
        _head = new DecodeLinear(head.Projection, source);
        _body.Complete();
    }

    public DecoderConfig Config { get; }

    /// <summary>The classes' names in the order of the logits.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>From a Hugging Face folder; matrices stored as bf16 stay bf16 in memory.</summary>
    /// <exception cref="Artifacts.UserErrorException">The folder is incomplete or damaged, or holds another kind of model.</exception>
    public static ClassModel Load(string directory, int? threads = null)
    {
        var config = HuggingFaceFolder.LoadConfig(directory) as DecoderConfig;
        if (config?.Head is not ClassHead)
            throw new Artifacts.UserErrorException(
                $"'{directory}' holds a model that does not classify texts. Name one whose config.json has a class "
                    + "…ForSequenceClassification and two labels or more."
            );
        using var weights = CheckpointWeights.Open(directory, config);
        return new ClassModel(config, weights.Reader(config), weights.DtypeOf, threads);
    }

    /// <summary>Logits of the classes of a text, (K).</summary>
    public void Logits(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        if (logits.Length != Labels.Count)
            throw new ArgumentException($"There are {logits.Length} places for {Labels.Count} classes.", nameof(logits));
        using var state = _body.NewState(Math.Max(1, tokens.Length));
        var hidden = new float[(long)tokens.Length * _body.DModel];             // (T, D)
        _body.LastHiddenStates(tokens, state, hidden);
        var pooled = _body.Pass.Floats(Scratch.Normed, _body.DModel);           // (D)
        Pool(hidden, pooled);
        var numbers = _body.Pass.Floats(Scratch.Logits, _head.Stride);          // (K) and the padding after them
        _head.Forward(pooled, 1, numbers, _body.Pass);
        new ReadOnlySpan<float>(numbers, logits.Length).CopyTo(logits);
    }

    public void Dispose()
    {
        _body.Dispose();
        _head.Dispose();
    }

    private void Pool(ReadOnlySpan<float> hidden, float* pooled)
    {
        var d = _body.DModel;
        var into = new Span<float>(pooled, d);
        if (_pooling == Pooling.Last)
        {
            hidden[^d..].CopyTo(into);
            return;
        }
        into.Clear();
        fixed (float* rows = hidden)
        {
            for (var t = 0; t < hidden.Length / d; t++) VectorMath.Add(pooled, rows + (long)t * d, d);
        }
        foreach (ref var value in into) value /= hidden.Length / d;
    }
}
