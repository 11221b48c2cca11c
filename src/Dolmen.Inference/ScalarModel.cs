using Dolmen.Checkpoints;
using Dolmen.Inference.Layers;

namespace Dolmen.Inference;

// T tokens, D model

/// <summary>Runs a decoder that says one number: a value after every token, a reward of a whole text. Without any native library; one call
/// at a time per model.</summary>
public sealed unsafe class ScalarModel : IDisposable
{
    private readonly DecoderBody _body;
    private readonly DecodeLinear _head;

    /// <param name="weights">Gives a tensor of <see cref="ModelConfig.Tensors"/> by name, row-major; asked for each once.</param>
    /// <param name="dtype">How matrices are kept in memory; fp32 when left out.</param>
    /// <param name="threads">All cores when left out.</param>
    public ScalarModel(
        DecoderConfig config,
        Func<string, ReadOnlyMemory<float>> weights,
        Func<string, TensorDtype>? dtype = null,
        int? threads = null
    )
    {
        if (config.Plan().Head is not ScalarHeadSpec head) throw new ArgumentException("The model's head is not a scalar.", nameof(config));
        Config = config;
        var source = new WeightSource(weights, dtype ?? (_ => TensorDtype.Float32));
        _body = new DecoderBody(config, source, threads);
        _head = new DecodeLinear(head.Projection, source);
        _body.Complete();
    }

    public DecoderConfig Config { get; }

    /// <summary>From a Hugging Face folder; matrices stored as bf16 stay bf16 in memory.</summary>
    /// <exception cref="Artifacts.UserErrorException">The folder is incomplete or damaged, or holds another kind of model.</exception>
    public static ScalarModel Load(string directory, int? threads = null)
    {
        var config = HuggingFaceFolder.LoadConfig(directory) as DecoderConfig;
        if (config?.Head is not ScalarHead)
            throw new Artifacts.UserErrorException(
                $"'{directory}' holds a model that does not say one number of a text. Name one whose config.json has a class "
                    + "…ForSequenceClassification and one label."
            );
        using var weights = CheckpointWeights.Open(directory, config);
        return new ScalarModel(config, weights.Reader(config), weights.DtypeOf, threads);
    }

    /// <summary>Takes other weights of the same shapes; see <see cref="LanguageModel.Reload"/>.</summary>
    public void Reload(Func<string, ReadOnlyMemory<float>> weights) => _body.Reload(weights);

    public DecodeState NewState(int capacity) => _body.NewState(capacity);

    /// <summary>Appends <paramref name="tokens"/>; writes the number after each of them, (T).</summary>
    public void Values(ReadOnlySpan<int> tokens, DecodeState state, Span<float> values)
    {
        if (values.Length != tokens.Length)
            throw new ArgumentException($"{tokens.Length} tokens need as many places, not {values.Length}.", nameof(values));
        var hidden = new float[(long)tokens.Length * _body.DModel];              // (T, D)
        LastHiddenStates(tokens, state, hidden);
        var numbers = _body.Pass.Floats(Scratch.Logits, (long)tokens.Length * _head.Stride);
        fixed (float* x = hidden) _head.Forward(x, tokens.Length, numbers, _body.Pass);      // (T, 1) and the padding after it
        for (var i = 0; i < tokens.Length; i++) values[i] = numbers[(long)i * _head.Stride];
    }

    /// <summary>The number after the last token of a text.</summary>
    public float Reward(ReadOnlySpan<int> tokens)
    {
        using var state = NewState(Math.Max(1, tokens.Length));
        var values = new float[tokens.Length];
        Values(tokens, state, values);
        return values[^1];
    }

    /// <summary>Appends <paramref name="tokens"/>; writes what the head reads after each of them, (T, D).</summary>
    public void LastHiddenStates(ReadOnlySpan<int> tokens, DecodeState state, Span<float> states)
    {
        _body.LastHiddenStates(tokens, state, states);
    }

    public void Dispose()
    {
        _body.Dispose();
        _head.Dispose();
    }
}
