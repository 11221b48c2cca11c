using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using static TorchSharp.torch;

namespace Dolmen.Tests.Inference;

/// <summary>Far into a context the angles of rotary positions are large: an engine that rounds them otherwise than the other sees another
/// place.</summary>
public class LongContextTests
{
    private const int Position = 16_000;

    [Fact]
    public void Both_engines_find_a_token_equally_likely_at_position_16_000()
    {
        var config = new TransformerConfig(101, 32, 2, 2, 1, 16, 48, Position + 1);
        var ids = RandomModel.Tokens(Position + 1, config.VocabSize, 7);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var trained = new LanguageDecoder(config, Compute.Host());
        trained.Import((name, values) => Values(config, name).CopyTo(values, 0));
        using var model = new DecoderModel(config, name => Values(config, name));
        using var state = model.NewState(Position);
        var actual = new double[200];
        model.Forward(new SequenceSlice(state, ids.AsMemory(0, Position)) { Targets = ids.AsMemory(Position - 199), LogProbs = actual });

        long[] all = [.. ids.Select(id => (long)id)];
        var expected = trained.LogProbs(tensor(all[..^1], [1, Position]), tensor(all[1..], [1, Position])).data<float>().ToArray();
        for (var i = 0; i < actual.Length; i++) Assert.Equal(expected[^(200 - i)], actual[i], 1e-4);
    }

    /// <summary>Queries and keys so long that attention looks at few places: where they are shows in what it finds.</summary>
    private static float[] Values(DecoderConfig config, string name)
    {
        var values = RandomModel.Values(name, config.Tensors().First(tensor => tensor.Name == name).Shape, 3);
        var gain = name.Contains("q_proj", StringComparison.Ordinal) || name.Contains("k_proj", StringComparison.Ordinal) ? 2.5f : 1;
        return Array.ConvertAll(values, value => gain * value);
    }
}
