using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Modeling.Layers;
using Dolmen.Tests.Fakes;
using Dolmen.Tests.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Inference;

/// <summary>The managed engine's decoding against teacher forcing in one pass, and against JoeyNMT's greedy tokens.</summary>
public class EncoderDecoderModels
{
    public static TheoryData<ModelConfig> Every { get; } =
    [
        new Seq2SeqConfig(29, 20, 12, 10, 2, 16),
        new Seq2SeqConfig(
            29,
            20,
            20,
            10,
            1,
            16,
            RecurrentCell.Gru,
            Attention: AttentionEnergy.Dot,
            TieEmbeddings: true,
            ShareEmbeddings: true,
            ScaleEmbeddings: true
        ),
        new Seq2SeqConfig(
            29,
            20,
            12,
            10,
            2,
            16,
            RecurrentCell.Gru,
            Attention: AttentionEnergy.General,
            InputFeeding: false,
            ReverseSource: true
        ),
        new Seq2SeqConfig(29, 20, 12, 10, 1, 16, Attention: AttentionEnergy.Concat, Start: DecoderStart.Zero),
        new Seq2SeqConfig(
            29,
            20,
            12,
            20,
            2,
            16,
            Attention: AttentionEnergy.None,
            Bidirectional: false,
            Start: DecoderStart.Copy,
            ReverseSource: true
        ),
        new EncoderDecoderConfig(29, 24, 2, 2, 3, 40, 16),
        new EncoderDecoderConfig(29, 24, 1, 2, 2, 40, 16, PairPositions.Sinusoidal, NormKind.Layer),
    ];

    [Theory]
    [MemberData(nameof(Every))]
    public void Step_by_step_gives_what_teacher_forcing_gives(ModelConfig config)
    {
        using var scope = NewDisposeScope();
        using var trained = Trained(config);
        int[] source = [4, 9, 17, 3, 8],
            target = [1, 20, 6, 6, 13, 2];
        var batch = new PairBatch(
            [.. source.Select(token => (long)token), 0, 5, 5, 7, 7, 7, 7],
            [5, 6],
            [.. target.Select(token => (long)token), 1, 3, 3, 3, 3, 3],
            new long[12]
        );
        var expected = trained.Logits(batch)[0].contiguous().data<float>().ToArray(); // of the first row: (T, V)

        using var model = Managed(trained);
        using var state = model.NewState(16);
        model.Encode(source, state);
        var logits = new float[config.VocabSize];
        for (var t = 0; t < target.Length; t++)
        {
            using var fork = state.Fork();
            model.Step(target[t], state, logits);
            for (var v = 0; v < logits.Length; v++) Assert.Equal(expected[t * logits.Length + v], logits[v], 1e-4f);
            model.Step(target[t], fork, logits);                                // a copy goes its own way and comes to the same
            for (var v = 0; v < logits.Length; v++) Assert.Equal(expected[t * logits.Length + v], logits[v], 1e-4f);
        }
        if (config is Seq2SeqConfig { HasAttention: false }) Assert.Empty(EncoderDecoderModel.AttentionOf(state));
        else Assert.Equal(1, EncoderDecoderModel.AttentionOf(state).Sum(), 1e-5f);
        Assert.Equal(target.Length, state.Length);

        // Saved and loaded, and begun anew.
        using var stream = new MemoryStream();
        state.Save(stream);
        stream.Position = 0;
        using var loaded = model.NewState(16);
        loaded.Load(stream);
        var (one, other) = (new float[logits.Length], new float[logits.Length]);
        model.Step(7, state, one);
        model.Step(7, loaded, other);
        Assert.Equal(one, other);
        state.Truncate(0);
        model.Step(target[0], state, one);
        for (var v = 0; v < logits.Length; v++) Assert.Equal(expected[v], one[v], 1e-4f);
    }

    [Theory]
    [InlineData("seq2seq_lstm_bahdanau")]
    [InlineData("seq2seq_lstm_luong")]
    [InlineData("seq2seq_gru_bahdanau_nofeed")]
    public void Greedy_tokens_are_JoeyNmts(string name)
    {
        using var golden = new RnnGolden(name);
        using var model = EncoderDecoderModel.Build(
            RnnGolden.ConfigOf(name) with
            {
                ContextLength = 32,
            },
            tensor => golden.Values("param." + tensor)
        );
        using var state = model.NewState(20);
        model.Encode([.. golden.Whole("src").Take((int)golden.Whole("src_length")[0]).Select(token => (int)token)], state);
        var (token, logits, written) = (2, new float[50], new List<int>());
        while (written.Count < 16)
        {
            model.Step(token, state, logits);
            token = logits.AsSpan().IndexOf(logits.Max());
            written.Add(token);
        }
        Assert.Equal(golden.Json().GetProperty("greedy_tokens").EnumerateArray().Select(value => value.GetInt32()), written);
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void A_wide_beam_finds_the_best_of_all_short_targets(ModelConfig config)
    {
        var tokenizer = new ByteTokenizer();
        using var trained = Trained(Sized(config, tokenizer.VocabSize));
        using var model = Managed(trained);
        int[] source = [4, 9, 17];
        var best = Enumerate(model, tokenizer.Special.Bos, tokenizer.Special.Eos, source, tokenizer);
        var found = new Translator(model, tokenizer).Search(
            source,
            new TranslationOptions(Beam: tokenizer.VocabSize, LengthPenalty: 0, MaxTokens: 1)
        );
        Assert.Equal(best.LogProb, found.LogProb, 1e-4);
        var greedy = new Translator(model, tokenizer).Search(source, new TranslationOptions(MaxTokens: 1));
        Assert.True(greedy.LogProb <= found.LogProb + 1e-6);
    }

    [Fact]
    public void Folders_keep_what_a_model_is()
    {
        using var folder = new TemporaryFolder();
        foreach (var config in Every.Select(row => row.Data))
        {
            using var trained = Trained(config);
            HuggingFaceFolder.Save(
                folder.Path,
                config,
                trained.Export().Select(tensor => new NamedTensor(tensor.Name, tensor.Shape, tensor.Values)),
                new ModelCard("m", "m"),
                new SpecialTokenIds(1, 2, 0, 3),
                []
            );
            Assert.Equal(config, HuggingFaceFolder.LoadConfig(folder.Path));
            using var loaded = EncoderDecoderModel.Load(folder.Path);
            using var state = loaded.NewState(8);
            loaded.Encode([3, 4], state);
            var logits = new float[config.VocabSize];
            loaded.Step(1, state, logits);
            using var scope = NewDisposeScope();
            var expected = trained.Logits(new PairBatch([3, 4], [2], [1], [1])).data<float>().ToArray();
            for (var v = 0; v < logits.Length; v++) Assert.Equal(expected[v], logits[v], 1e-4f);
        }
    }

    private static ModelConfig Sized(ModelConfig config, int vocabSize) => config switch
    {
        Seq2SeqConfig c => c with { VocabSize = vocabSize },
        EncoderDecoderConfig c => c with { VocabSize = vocabSize },
        _ => throw new NotSupportedException(),
    };

    /// <summary>Nothing but the end, or one token: whether it goes on does not matter, the limit ends it.</summary>
    private static (double LogProb, int Token) Enumerate(EncoderDecoderModel model, int bos, int eos, int[] source, ByteTokenizer tokenizer)
    {
        using var state = model.NewState(4);
        model.Encode(source, state);
        var first = LogProbs(model, bos, state, tokenizer);
        var best = (LogProb: first[eos], Token: eos);
        for (var token = 0; token < tokenizer.VocabSize; token++)
        {
            if (token == eos || !double.IsFinite(first[token])) continue;
            using var next = state.Fork();
            var worth = first[token] + LogProbs(model, token, next, tokenizer).Max();
            if (worth > best.LogProb) best = (worth, token);
        }
        return best;
    }

    private static double[] LogProbs(EncoderDecoderModel model, int token, DecodeState state, ByteTokenizer tokenizer)
    {
        var logits = new float[model.Config.VocabSize];
        model.Step(token, state, logits);
        logits[tokenizer.Special.Bos] = logits[tokenizer.Special.Pad] = float.NegativeInfinity;
        var total = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        return [.. logits.Select(logit => logit - total)];
    }

    private static SequencePairModel Trained(ModelConfig config)
    {
        Assert.Empty(config.Problems());
        var model = (SequencePairModel)TrainableModel.Build(config, Compute.Host());
        model.Parameters.Initialize(3);
        // Biases begin at 0 and norms at 1: move everything, so that a forgotten one shows.
        var random = new Dolmen.Artifacts.StableRandom(5);
        foreach (var tensor in config.Tensors())
            foreach (ref var weight in model.Parameters.Weights(tensor.Name)) weight += 0.1f * (float)random.NextNormal();
        model.Parameters.RefreshCopy();
        return model;
    }

    private static EncoderDecoderModel Managed(SequencePairModel trained)
    {
        var tensors = trained.Export().ToDictionary(tensor => tensor.Name, tensor => tensor.Values, StringComparer.Ordinal);
        return EncoderDecoderModel.Build(trained.Config, name => tensors[name]);
    }
}
