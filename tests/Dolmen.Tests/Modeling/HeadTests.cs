using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Training.Optimizers;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>What holds for every architecture under every head: both engines agree, and the texts of packed rows do not know of each
/// other.</summary>
public class HeadTests
{
    private const int Length = 128, Batch = 16;

    public static TheoryData<string> Names => [.. SmallModels.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Both_engines_give_one_value_at_every_token_and_one_last_hidden_state(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var trained = new ScalarDecoder(SmallModels.All[name] with { Head = new ScalarHead() }, Compute.Host());
        trained.Parameters.Initialize(3);
        using var model = new ScalarModel(trained.Config, Weights(trained));
        var ids = Ids(40, 5);
        var tokens = Tokens(ids);
        Near(Numbers(trained.Values(tokens)), Values(model, ids), 1e-4);
        Assert.Equal(trained.Rewards(tokens).item<float>(), model.Reward(ids), 1e-4);
        var hidden = new float[40 * trained.LastHiddenStates(tokens).shape[2]];
        model.LastHiddenStates(ids, model.NewState(40), hidden);
        Near(Numbers(trained.LastHiddenStates(tokens)), hidden, 1e-4);
        Assert.Equal(Numbers(trained.HiddenStates(tokens)[^1]), Numbers(trained.LastHiddenStates(tokens)));
    }

    [Theory, MemberData(nameof(Names))]
    public void Language_models_of_both_engines_have_one_last_hidden_state_however_a_text_is_cut(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var trained = new LanguageDecoder(SmallModels.All[name], Compute.Host());
        trained.Parameters.Initialize(3);
        using var model = new DecoderModel(SmallModels.All[name], Weights(trained));
        var ids = Ids(40, 5);
        var expected = Numbers(trained.LastHiddenStates(Tokens(ids)));
        var (width, hidden) = (expected.Length / 40, new float[expected.Length]);
        using var state = model.NewState(40);
        model.Forward(new SequenceSlice(state, ids.AsMemory(0, 17)) { HiddenStates = hidden.AsMemory(0, 17 * width) });
        model.Forward(new SequenceSlice(state, ids.AsMemory(17)) { HiddenStates = hidden.AsMemory(17 * width) });
        Near(expected, hidden, 1e-4);
    }

    [Theory, MemberData(nameof(Names))]
    public void Both_engines_give_one_answer_to_which_class(string name)
    {
        foreach (var pooling in Enum.GetValues<Pooling>())
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            using var trained = new ClassDecoder(SmallModels.All[name] with { Head = ClassHead.Of(3, pooling) }, Compute.Host());
            trained.Parameters.Initialize(3);
            using var model = new ClassModel(trained.Config, Weights(trained));
            var (ids, logits) = (Ids(40, 5), new float[3]);
            model.Logits(ids, logits);
            Near(Numbers(trained.Logits(Tokens(ids))), logits, 1e-4);
            Assert.Equal(["LABEL_0", "LABEL_1", "LABEL_2"], model.Labels);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Padding_and_neighbours_leave_rewards_and_classes_as_they_are(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (first, second) = (Ids(7, 5), Ids(12, 6));
        var padded = tensor([.. first.Concat(second).Append(0).Append(0).Select(id => (long)id)], [1, 21]);
        var segments = new Segments(1, 21, [new(0, 0, 7), new(0, 7, 12), new(0, 19, 2, Padding: true)]);
        using var scalar = new ScalarDecoder(SmallModels.All[name] with { Head = new ScalarHead() }, Compute.Host());
        scalar.Parameters.Initialize(3);
        float[] alone = [.. Numbers(scalar.Rewards(Tokens(first))), .. Numbers(scalar.Rewards(Tokens(second)))];
        Near(alone, Numbers(scalar.Rewards(padded, segments)), 1e-4);
        foreach (var pooling in Enum.GetValues<Pooling>())
        {
            using var classes = new ClassDecoder(SmallModels.All[name] with { Head = ClassHead.Of(3, pooling) }, Compute.Host());
            classes.Parameters.Initialize(3);
            float[] apart = [.. Numbers(classes.Logits(Tokens(first))), .. Numbers(classes.Logits(Tokens(second)))];
            Near(apart, Numbers(classes.Logits(padded, segments)), 1e-4);
        }
    }

    [Fact]
    public void A_head_and_its_config_must_fit()
    {
        var llama = SmallModels.All["llama"];
        Assert.Throws<ArgumentException>(() => new LanguageDecoder(llama with { Head = new ScalarHead() }, Compute.Host()));
        Assert.Throws<ArgumentException>(() => new ScalarDecoder(llama, Compute.Host()));
        Assert.Throws<ArgumentException>(() => new ClassDecoder(llama with { Head = new ScalarHead() }, Compute.Host()));
        Assert.Throws<ArgumentException>(() => new DecoderModel(llama with { Head = new ScalarHead() }, _ => default));
        Assert.Contains("1 labels", Assert.Single((llama with { Head = ClassHead.Of(1) }).Problems()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StateSpaceStart.LegS)]
    [InlineData(StateSpaceStart.DiagonalLin)]
    public void S4_learns_which_of_two_symbols_came_first(StateSpaceStart start)
    {
        var config = new S4Config(3, 24, 2, Length, 0, 16, start) { Head = ClassHead.Of(2, Pooling.Mean) };
        using var model = new ClassDecoder(config, Compute.Host());
        model.Parameters.Initialize(1);
        using var optimizer = new AdamWRecipe(1e-2, 0, 0.9, 0.98, StateSpaceLearningRate: 1e-2).Build(model.Parameters);
        var random = new StableRandom(7);
        for (var step = 0; step < 400; step++)
        {
            using var scope = NewDisposeScope();
            var (tokens, labels) = Draw(ref random);
            model.Parameters.Backward(model.Loss(tokens, labels, 1.0 / Batch), first: true);
            optimizer.Step(step + 1, 1, 1);
        }
        var right = 0L;
        for (var i = 0; i < 8; i++)
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            var (tokens, labels) = Draw(ref random);
            right += model.Logits(tokens).argmax(1).eq(labels).sum().item<long>();
        }
        // Every sequence holds the same symbols: a model that cannot tell their order is right half of the time.
        Assert.True(right >= 0.85 * 8 * Batch, $"{right} of {8 * Batch} right");
    }

    /// <summary>A 0 and a 1 somewhere among 2s; the label is the one that comes first.</summary>
    private static (Tensor Tokens, Tensor Labels) Draw(ref StableRandom random)
    {
        var (tokens, labels) = (new long[Batch * Length], new long[Batch]);
        Array.Fill(tokens, 2);
        for (var b = 0; b < Batch; b++)
        {
            int first = random.Next(Length), second = (first + 1 + random.Next(Length - 1)) % Length;
            (tokens[b * Length + first], tokens[b * Length + second]) = (0, 1);
            labels[b] = first < second ? 0 : 1;
        }
        return (tensor(tokens, [Batch, Length]), tensor(labels));
    }

    private static float[] Values(ScalarModel model, int[] ids)
    {
        var values = new float[ids.Length];
        using var state = model.NewState(ids.Length);
        model.Values(ids.AsSpan(0, 11), state, values.AsSpan(0, 11));
        model.Values(ids.AsSpan(11), state, values.AsSpan(11));
        return values;
    }

    private static Func<string, ReadOnlyMemory<float>> Weights(TrainableModel model)
    {
        var exported = model.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Values, StringComparer.Ordinal);
        return name => exported[name];
    }

    private static int[] Ids(int count, ulong seed)
    {
        var random = new StableRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(61))];
    }

    private static Tensor Tokens(int[] ids) => tensor([.. ids.Select(id => (long)id)], [1, ids.Length]);

    private static float[] Numbers(Tensor values) => values.contiguous().data<float>().ToArray();

    private static void Near(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance * (1 + Math.Abs(expected[i])));
    }
}
