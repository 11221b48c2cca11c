// B batch, T sequence, D model, V vocab
using Dolmen.Checkpoints;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using static TorchSharp.torch;

namespace Dolmen.Modeling;

/// <summary>A model that can be trained: its parameters and the three questions an objective asks.</summary>
public abstract class TrainableModel : IDisposable
{
    public abstract ModelConfig Config { get; }

    public abstract ParameterStore Parameters { get; }

    /// <summary>tokens (B, T) int64 → logits (B, T, V) fp32. For tests and sampling; training never holds them whole.</summary>
    public abstract Tensor Logits(Tensor tokens);

    /// <summary>scale · Σ −log p(target), scalar; a negative target does not count. tokens, targets (B, T) int64.</summary>
    /// <param name="segments">The texts of packed rows, each read as if it were alone; null takes every row as one text.</param>
    public abstract Tensor Loss(Tensor tokens, Tensor targets, double scale, Segments? segments = null);

    /// <summary>log p(target), (B, T) fp32; 0 where the target is negative. tokens, targets (B, T) int64.</summary>
    /// <inheritdoc cref="Loss"/>
    public abstract Tensor LogProbs(Tensor tokens, Tensor targets, Segments? segments = null);

    /// <summary>The stream between the blocks, (B, T, D) fp32 each: what transformers gives as <c>hidden_states</c>.</summary>
    public abstract IReadOnlyList<Tensor> HiddenStates(Tensor tokens);

    /// <summary>Figures of the last forward pass besides the loss: how evenly experts are used.</summary>
    public virtual IReadOnlyList<(string Name, double Value)> LastMetrics() => [];

    /// <summary>Gradients of the last backward pass by exported name, as they are stored: for comparison with other software.</summary>
    public abstract IReadOnlyList<(string Name, float[] Values)> ExportedGradients();

    /// <summary>Every tensor of <see cref="ModelConfig.Tensors"/> by its exported name, row-major fp32.</summary>
    public abstract IEnumerable<(string Name, long[] Shape, float[] Values)> Export();

    /// <summary>The reverse of <see cref="Export"/>; <paramref name="read"/> fills a tensor by its exported name.</summary>
    public abstract void Import(Action<string, float[]> read);

    /// <summary>A model that computes on the chosen path.</summary>
    public static TrainableModel Build(ModelConfig config, ComputePath path)
    {
        path.Begin();
        var model = Build(config, path.BFloat16, new FusedMath(path.PackedProducts));
        model.Parameters.Arithmetic = path.Arithmetic;
        return model;
    }

    /// <summary>The registration list: one line an architecture.</summary>
    public static TrainableModel Build(ModelConfig config, bool bfloat16, LayerMath? math = null) => config switch
    {
        DecoderConfig decoder => new Decoder(decoder, bfloat16, math ?? new FusedMath()),
        Seq2SeqConfig seq2seq => new Seq2Seq(seq2seq, bfloat16, math ?? new FusedMath()),
        EncoderDecoderConfig pair => new EncoderDecoder(pair, bfloat16, math ?? new FusedMath()),
        _ => throw new NotSupportedException($"Architecture {config.GetType().Name} cannot be trained."),
    };

    /// <summary>A model folder's weights, ready to be trained on along the chosen path.</summary>
    /// <exception cref="Artifacts.UserErrorException">Missing, damaged, or not a model that can be trained.</exception>
    public static TrainableModel Load(string directory, ComputePath path) => Load(directory, config => Build(config, path));

    /// <inheritdoc cref="Load(string, ComputePath)"/>
    public static TrainableModel Load(string directory, bool bfloat16, LayerMath? math = null) =>
        Load(directory, config => Build(config, bfloat16, math));

    private static TrainableModel Load(string directory, Func<ModelConfig, TrainableModel> build)
    {
        var config = HuggingFaceFolder.LoadConfig(directory);
        using var weights = CheckpointWeights.Open(directory, config);
        var model = build(config);
        model.Import((name, values) => weights.Read(name, values));
        return model;
    }

    public abstract void Dispose();
}
