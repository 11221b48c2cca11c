using Dolmen.Checkpoints;
using Dolmen.Modeling.Architectures;

namespace Dolmen.Modeling;

/// <summary>A model that can be trained: what every kind of it shares. What can be asked of one depends on what it reads and says: see
/// <see cref="LanguageDecoder"/>, <see cref="ScalarDecoder"/>, <see cref="ClassDecoder"/> and <see cref="SequencePairModel"/>.</summary>
public abstract class TrainableModel : IDisposable
{
    public abstract ModelConfig Config { get; }

    public abstract ParameterStore Parameters { get; }

    /// <summary>Figures of the last forward pass besides the loss: how evenly experts are used.</summary>
    public virtual IReadOnlyList<(string Name, double Value)> LastMetrics() => [];

    /// <summary>Gradients of the last backward pass by exported name, as they are stored: for comparison with other software.</summary>
    public abstract IReadOnlyList<(string Name, float[] Values)> ExportedGradients();

    /// <summary>Every tensor of <see cref="ModelConfig.Tensors"/> by its exported name, row-major fp32.</summary>
    public abstract IEnumerable<(string Name, long[] Shape, float[] Values)> Export();

    /// <summary>The reverse of <see cref="Export"/>; <paramref name="read"/> fills a tensor by its exported name.</summary>
    public void Import(Action<string, float[]> read) => Import(Config.Tensors(), read);

    /// <summary>Takes some of the tensors and leaves the others.</summary>
    internal abstract void Import(IEnumerable<TensorShape> tensors, Action<string, float[]> read);

    /// <summary>The registration list: one line an architecture.</summary>
    public static TrainableModel Build(ModelConfig config, Compute compute) => config switch
    {
        DecoderConfig { Head: null } decoder => new LanguageDecoder(decoder, compute),
        DecoderConfig { Head: ScalarHead } decoder => new ScalarDecoder(decoder, compute),
        DecoderConfig { Head: ClassHead } decoder => new ClassDecoder(decoder, compute),
        Seq2SeqConfig seq2seq => new Seq2Seq(seq2seq, compute),
        EncoderDecoderConfig pair => new EncoderDecoder(pair, compute),
        _ => throw new NotSupportedException($"Architecture {config.GetType().Name} cannot be trained."),
    };

    /// <summary>A model folder's weights, ready to be trained on along the chosen path.</summary>
    /// <exception cref="Artifacts.UserErrorException">Missing, damaged, or not a model that can be trained.</exception>
    public static TrainableModel Load(string directory, Compute compute)
    {
        var config = HuggingFaceFolder.LoadConfig(directory);
        using var weights = CheckpointWeights.Open(directory, config);
        var model = Build(config, compute);
        model.Import((name, values) => weights.Read(name, values));
        return model;
    }

    /// <summary>A language model's weights under a new head, which begins as a new model's would.</summary>
    /// <exception cref="Artifacts.UserErrorException">Missing, damaged, or not a decoder that continues a text.</exception>
    public static Decoder LoadUnder(HeadConfig head, string directory, Compute compute, ulong seed)
    {
        var language = LanguageDecoder.Require(HuggingFaceFolder.LoadConfig(directory), directory);
        using var weights = CheckpointWeights.Open(directory, language);
        var model = (Decoder)Build(language with { Head = head }, compute);
        model.Parameters.Initialize(seed);
        var shared = model.Config.Tensors().Where(tensor => tensor.Name != HeadConfig.Weight);
        model.Import(shared, (name, values) => weights.Read(name, values));
        return model;
    }

    public abstract void Dispose();
}
