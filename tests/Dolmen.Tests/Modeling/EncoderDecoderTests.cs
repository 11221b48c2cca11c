using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

public class EncoderDecoderTests
{
    public static TheoryData<EncoderDecoderConfig> Kinds { get; } =
    [
        new EncoderDecoderConfig(23, 24, 2, 1, 3, 30, 12),
        new EncoderDecoderConfig(23, 24, 1, 2, 2, 30, 12, PairPositions.Sinusoidal, NormKind.Layer),
    ];

    private static PairBatch Batch =>
        new([3, 9, 4, 7, 11, 22, 5, 0, 8, 13, 0, 0], [4, 3, 2], [1, 5, 6, 1, 9, 9, 1, 7, 2], [5, 6, 2, 9, 9, -1, 7, 2, -1]);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Fused_attention_gives_what_libtorch_gives(EncoderDecoderConfig config)
    {
        using var scope = NewDisposeScope();
        Assert.Empty(config.Problems());
        using var fused = new EncoderDecoder(config, Compute.Host());
        using var plain = new EncoderDecoder(config, Compute.Torch());
        foreach (var model in (EncoderDecoder[])[fused, plain]) model.Parameters.Initialize(4);
        RnnGolden.Same(plain.Logits(Batch).data<float>().ToArray(), fused.Logits(Batch), 2e-5);
        foreach (var model in (EncoderDecoder[])[fused, plain]) model.Loss(Batch, 1).backward();
        BackwardGuard.ThrowIfFailed();
        foreach (var tensor in config.Tensors())
            RnnGolden.SameGradient(
                plain.Parameters[tensor.Name].grad!.contiguous().data<float>().ToArray(),
                fused.Parameters[tensor.Name].grad,
                tensor.Name
            );
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Padding_and_later_targets_change_nothing(EncoderDecoderConfig config)
    {
        using var scope = NewDisposeScope();
        using var model = new EncoderDecoder(config, Compute.Host());
        model.Parameters.Initialize(4);
        var expected = model.Logits(new PairBatch([11, 22, 5], [3], [1, 9], [9, 9]))[0].contiguous().data<float>().ToArray();
        RnnGolden.Same(expected, model.Logits(Batch)[1].narrow(0, 0, 2), 1e-5);
    }

    [Fact]
    public void Dropout_repeats_with_its_seed_and_is_off_without()
    {
        using var scope = NewDisposeScope();
        ModelConfig[] configs =
        [
            new EncoderDecoderConfig(23, 24, 1, 1, 2, 30, 12, Dropout: 0.3),
            new Seq2SeqConfig(23, 20, 12, 10, 2, 12, Dropout: 0.3),
        ];
        foreach (var config in configs)
        {
            using var model = (SequencePairModel)TrainableModel.Build(config, Compute.Host());
            model.Parameters.Initialize(4);
            float Loss(long? seed) => model.Loss(Batch, 1, seed).item<float>();
            Assert.Equal(Loss(7), Loss(7));
            Assert.NotEqual(Loss(7), Loss(8));
            Assert.Equal(Loss(null), Loss(null));
            Assert.NotEqual(Loss(7), Loss(null));
        }
    }

    [Fact]
    public void Dropout_leaves_out_its_share_and_the_same_elements_on_the_way_back()
    {
        using var scope = NewDisposeScope();
        var x = ones(100_003).requires_grad_(true);
        var y = new DroppedUnits(0.3, 9).Apply(x);
        y.sum().backward();
        BackwardGuard.ThrowIfFailed();
        var (values, gradients) = (y.data<float>().ToArray(), x.grad!.data<float>().ToArray());
        Assert.Equal(values, gradients);
        Assert.Equal(0.3, values.Count(value => value == 0) / 100_003.0, 0.01);
        Assert.All(values, value => Assert.True(value == 0 || Math.Abs(value - 1 / 0.7f) < 1e-6f));
    }
}
