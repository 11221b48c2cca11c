using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using static TorchSharp.torch;

namespace Dolmen.Tests.Inference;

/// <summary>What holds for every decoder, those of <see cref="SmallModels"/> included: one truth for prefill and decode, and states that
/// can be copied, kept and counted.</summary>
public class DecoderBattery
{
    // more than one pass, and several times round a sliding window's ring
    private const int Length = 330;
    private const int Header = 48;                                       // bytes of a saved state before its layers

    public static TheoryData<string> Names => DecoderArchitectures.Names;

    public static TheoryData<string> Defined =>
        [.. DecoderArchitectures.All.Where(model => PlainDecoder.Knows(model.Value)).Select(model => model.Key)];

    public static TheoryData<string> Trained => [.. SmallModels.All.Keys, "gpt2, unscaled", "gpt2, scaled by layer"];

    [Theory]
    [MemberData(nameof(Trained))]
    public void Logits_are_those_of_the_model_as_it_is_trained(string name)
    {
        using var scope = NewDisposeScope();
        using var trained = new LanguageDecoder(DecoderArchitectures.All[name], Compute.Host());
        trained.Parameters.Initialize(3);
        var exported = trained.Export().ToDictionary(weights => weights.Name, StringComparer.Ordinal);
        using var model = new DecoderModel(DecoderArchitectures.All[name], weights => exported[weights].Values);
        var tokens = RandomModel.Tokens(40, model.Config.VocabSize, 5);
        var expected = trained.Logits(tensor(tokens.Select(id => (long)id).ToArray(), [1, 40])).contiguous().data<float>().ToArray();
        var actual = new float[40 * model.Config.VocabSize];
        using var state = model.NewState(40);
        model.Logits(tokens, state, actual);
        for (var i = 0; i < actual.Length; i++) Assert.Equal(expected[i], actual[i], 1e-4f);
    }

    [Theory]
    [MemberData(nameof(Defined))]
    public void Logits_are_those_of_the_plain_definition(string name)
    {
        var config = DecoderArchitectures.All[name];
        using var model = RandomModel.Build(config);
        const int length = 150;                                        // once round the rings of the windows
        var tokens = RandomModel.Tokens(length, config.VocabSize, 5);
        var actual = new float[length * config.VocabSize];
        model.Logits(tokens, model.NewState(length), actual);
        var expected = PlainDecoder.Logits(config, tokens);
        for (var t = 0; t < length; t++)
        {
            for (var v = 0; v < config.VocabSize; v++) Assert.Equal(expected[t][v], actual[t * config.VocabSize + v], 2e-4);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void However_a_sequence_is_cut_logits_and_log_probabilities_are_the_same_bits(string name)
    {
        var config = DecoderArchitectures.All[name];
        foreach (var dtype in (TensorDtype[])[TensorDtype.Float32, TensorDtype.BFloat16])
        {
            using var model = RandomModel.Build(config, dtype: dtype);
            var tokens = RandomModel.Tokens(Length, config.VocabSize, 5);
            var whole = new float[Length * config.VocabSize];
            model.Logits(tokens, model.NewState(Length), whole);
            Assert.All(whole, value => Assert.True(float.IsFinite(value)));
            var scored = new double[Length];
            model.LogProbs(tokens, tokens, model.NewState(Length), scored);
            var row = new float[config.VocabSize];
            foreach (var cuts in (int[][])[[1], [2, 1, 5], [19, 3, 64], [16, 48], [150, 1]])
            {
                using var state = model.NewState(Length);
                for (int at = 0, turn = 0; at < Length; turn++)
                {
                    var count = Math.Min(cuts[turn % cuts.Length], Length - at);
                    if (count == 1) model.Step(tokens[at], state, row);
                    else model.Prefill(tokens.AsSpan(at, count), state, row);
                    at += count;
                    Assert.True(row.AsSpan().SequenceEqual(whole.AsSpan((at - 1) * row.Length, row.Length)), $"after {at} in {count}");
                    var expected = row[tokens[at - 1]] - Math.Log(row.Sum(x => Math.Exp(x)));
                    Assert.Equal(expected, scored[at - 1], 1e-5);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_number_of_threads_does_not_show(string name)
    {
        var config = DecoderArchitectures.All[name];
        using var one = RandomModel.Build(config, threads: 1);
        using var many = RandomModel.Build(config);
        var tokens = RandomModel.Tokens(Length, config.VocabSize, 4);
        float[] a = new float[Length * config.VocabSize], b = new float[a.Length];
        one.Logits(tokens, one.NewState(Length), a);
        many.Logits(tokens, many.NewState(Length), b);
        Assert.Equal(a, b);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Forks_go_their_own_way(string name)
    {
        var config = DecoderArchitectures.All[name];
        using var model = RandomModel.Build(config);
        var tokens = RandomModel.Tokens(200, config.VocabSize, 3);
        foreach (var shared in (int[])[1, 21, 150])
        {
            using var state = model.NewState(200);
            model.Prefill(tokens.AsSpan(0, shared), state, new float[config.VocabSize]);
            using var fork = state.Fork();
            model.Prefill(tokens.AsSpan(170, 9), state, new float[config.VocabSize]);            // must not show in the fork
            Assert.Equal(Continuation(model, model.NewState(200), tokens, 0, shared + 5), Continuation(model, fork, tokens, shared, 5));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_state_goes_back_or_says_that_it_cannot(string name)
    {
        var config = DecoderArchitectures.All[name];
        using var model = RandomModel.Build(config);
        var tokens = RandomModel.Tokens(Length, config.VocabSize, 3);
        using var state = model.NewState(Length);
        var recurrent = config.StateBytesPerSequence(4) > 0;
        var windowed = config.Plan().Blocks.Any(block => block.Mixer is AttentionSpec { Window: not null });
        foreach (var (filled, back) in ((int, int)[])[(40, 21), (Length, 100), (Length, Length - 1), (Length, 0), (5, 5)])
        {
            model.Prefill(tokens.AsSpan(state.Length, filled - state.Length), state, new float[config.VocabSize]);
            if (state.CanTruncate(back))
            {
                state.Truncate(back);
                if (back < Length - 5)
                {
                    Assert.Equal(
                        Continuation(model, model.NewState(Length), tokens, 0, back + 5), Continuation(model, state, tokens, back, 5));
                }
            }
            else
            {
                Assert.True(recurrent || windowed);
                var error = Assert.Throws<NotSupportedException>(() => state.Truncate(back));
                Assert.Contains($"cannot go back to {back}", error.Message, StringComparison.Ordinal);
                Assert.Equal(filled, state.Length);
            }
            if (!recurrent && !windowed) Assert.True(state.CanTruncate(1));
            state.Truncate(0);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_saved_state_continues_as_if_nothing_had_happened_and_has_the_size_of_the_formula(string name)
    {
        var config = DecoderArchitectures.All[name];
        using var model = RandomModel.Build(config);
        var tokens = RandomModel.Tokens(200, config.VocabSize, 3);
        foreach (var length in (int[])[0, 1, 17, 150])
        {
            using var state = model.NewState(200);
            if (length > 0) model.Prefill(tokens.AsSpan(0, length), state, new float[config.VocabSize]);
            using var file = new MemoryStream();
            state.Save(file);
            Assert.Equal(Header + config.StateBytes(length, 4), file.Length);
            var plan = config.Plan();
            // Twice what look-ups remember, or the least room for it.
            var remembered = plan.BytesRememberedPerToken * Math.Max(16, 2 * length);
            Assert.InRange(
                state.Bytes, config.StateBytes(length, 4), remembered + plan.Blocks.Sum(block => MostBytes(block.Mixer, length)));

            file.WriteByte(77);                                          // belongs to whatever follows
            file.Position = 0;
            using var loaded = model.NewState(180);
            model.Prefill(tokens.AsSpan(100, 60), loaded, new float[config.VocabSize]);
            loaded.Load(file);
            Assert.Equal(77, file.ReadByte());
            Assert.Equal(length, loaded.Length);
            Assert.Equal(Continuation(model, state, tokens, length, 30), Continuation(model, loaded, tokens, length, 30));
        }
    }

    [Theory]
    [InlineData(KvPrecision.Int16, 0.52)]
    [InlineData(KvPrecision.Int8, 0.28)]
    public void A_state_of_codes_is_saved_as_it_is_and_takes_its_part_of_the_memory(KvPrecision kept, double part)
    {
        var config = new TransformerConfig(101, 192, 2, 3, 1, 64, 50, 300, Window: 100);
        using var model = RandomModel.Build(config, kept: kept);
        using var floats = RandomModel.Build(config);
        var tokens = RandomModel.Tokens(250, config.VocabSize, 3);
        foreach (var length in (int[])[0, 1, 17, 200])
        {
            using var state = model.NewState(250);
            if (length > 0) model.Prefill(tokens.AsSpan(0, length), state, new float[config.VocabSize]);
            Assert.InRange(model.StateBytesOf(length), 0, part * floats.StateBytesOf(length));
            using var file = new MemoryStream();
            state.Save(file);
            Assert.InRange(file.Length, 0, Header + part * floats.StateBytesOf(length));
            file.Position = 0;
            using var loaded = model.NewState(250);
            loaded.Load(file);
            using var fork = state.Fork();
            var expected = Continuation(model, state, tokens, length, 30);
            Assert.Equal(expected, Continuation(model, loaded, tokens, length, 30));
            Assert.Equal(expected, Continuation(model, fork, tokens, length, 30));
            Assert.Contains("another model", Assert.Throws<UserErrorException>(() =>
                floats.NewState(250).Load(new MemoryStream(file.ToArray()))).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_damaged_or_foreign_file_is_refused_and_leaves_the_state_empty(string name)
    {
        var config = DecoderArchitectures.All[name];
        using var model = RandomModel.Build(config);
        using var other = RandomModel.Build(config, seed: 2);
        var tokens = RandomModel.Tokens(60, config.VocabSize, 3);
        using var state = model.NewState(60);
        model.Prefill(tokens.AsSpan(0, 33), state, new float[config.VocabSize]);
        using var file = new MemoryStream();
        state.Save(file);
        var bytes = file.ToArray();

        Refused(bytes[..^1], "cut off");
        Refused(bytes[..20], "cut off");
        Refused([], "cut off");
        Refused(Changed(0, 0), "not a saved decoding state");
        Refused(Changed(4, 9), "format 9");
        Refused(Changed(46, 1), "tokens");
        var error = Assert.Throws<UserErrorException>(() => other.NewState(60).Load(new MemoryStream(bytes)));
        Assert.Contains("another model", error.Message, StringComparison.Ordinal);

        byte[] Changed(int at, byte value)
        {
            var copy = bytes.ToArray();
            copy[at] = value;
            return copy;
        }

        void Refused(byte[] content, string why)
        {
            using var target = model.NewState(60);
            model.Prefill(tokens.AsSpan(3, 20), target, new float[config.VocabSize]);
            var refusal = Assert.Throws<UserErrorException>(() => target.Load(new MemoryStream(content)));
            Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
            Assert.Equal(0, target.Length);
            Assert.Equal(Continuation(model, model.NewState(60), tokens, 0, 5), Continuation(model, target, tokens, 0, 5));
        }
    }

    /// <summary>What memory adds to the formula: whole vectors of 16 channels; of keys and values whole blocks of 16 positions, and room to
    /// grow up to double, but of a window only one pass of 64 and two blocks.</summary>
    private static long MostBytes(MixerSpec mixer, int length)
    {
        if (mixer is not AttentionSpec attention) return 16 * sizeof(float) * mixer.StateValuesPerSequence;
        var positions = Math.Min(Math.Max(64, 2 * (length + 15)), attention.Window + Speculation.MostDrafts + 15 + 64 + 16 ?? int.MaxValue);
        return (long)positions * attention.KvHeads * (attention.HeadDim + (attention.HeadDim + 15) / 16 * 16) * sizeof(float);
    }

    private static float[] Continuation(DecoderModel model, DecodeState state, int[] tokens, int from, int count)
    {
        var logits = new float[model.Config.VocabSize];
        model.Prefill(tokens.AsSpan(from, count), state, logits);
        return logits;
    }
}
