using Dolmen.Checkpoints;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using Dolmen.Modeling.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Modeling;

/// <summary>The recurrent encoder–decoder against JoeyNMT, its loops against torch's LSTM and GRU, its energies against OpenNMT.</summary>
public class Seq2SeqTests
{
    public static TheoryData<string, bool> JoeyNmt { get; } = new()
    {
        { "seq2seq_lstm_bahdanau", true }, { "seq2seq_lstm_luong", true }, { "seq2seq_gru_bahdanau_nofeed", true },
        { "seq2seq_lstm_bahdanau", false }, { "seq2seq_lstm_luong", false }, { "seq2seq_gru_bahdanau_nofeed", false },
    };

    [Theory]
    [MemberData(nameof(JoeyNmt))]
    public void Outputs_loss_and_every_gradient_match_JoeyNmt(string name, bool fused)
    {
        using var scope = NewDisposeScope();
        using var golden = new RnnGolden(name);
        using var model = Model(golden, RnnGolden.ConfigOf(name), fused);
        var batch = golden.Batch();

        var (outputs, final) = model.EncoderOutputs(batch);
        RnnGolden.Same(golden.Values("encoder_output"), outputs.transpose(0, 1), 1e-4);
        RnnGolden.Same(golden.Values("encoder_final"), final, 1e-4);
        RnnGolden.Same(golden.Values("attention_vectors"), model.HeadInputs(batch), 1e-4);
        RnnGolden.Same(golden.Values("attention"), model.AttentionWeights(batch), 1e-4);
        RnnGolden.Same(golden.Values("logits"), model.Logits(batch), 1e-4);
        var loss = model.Loss(batch, 1.0 / batch.Counted);
        loss.backward();
        BackwardGuard.ThrowIfFailed();
        Assert.Equal(golden.Json().GetProperty("loss").GetDouble(), loss.item<float>(), 1e-5);
        foreach (var tensor in model.Config.Tensors())
            RnnGolden.SameGradient(golden.Values("grad." + tensor.Name), model.Parameters[tensor.Name].grad, tensor.Name);
    }

    [Theory]
    [InlineData("torch_lstm", true)]
    [InlineData("torch_lstm", false)]
    [InlineData("torch_gru", true)]
    [InlineData("torch_gru", false)]
    public void Layers_match_torch_forward_and_back(string name, bool fused)
    {
        using var scope = NewDisposeScope();
        using var golden = new RnnGolden(name);
        var (lstm, math) = (name == "torch_lstm", Math(fused));
        var weights = golden.Names.Where(key => key.StartsWith("param.", StringComparison.Ordinal))
            .ToDictionary(key => key[6..], key => golden.Tensor(key).requires_grad_(true), StringComparer.Ordinal);
        var input = golden.Tensor("input").requires_grad_(true);                // (B, T, I)
        var x = input.transpose(0, 1).contiguous();                             // (T, B, I)
        var (h0, c0) = (golden.Tensor("h0"), lstm ? golden.Tensor("c0") : null);
        var (last, lastCells) = (new List<Tensor>(), new List<Tensor>());
        for (var i = 0; i < 2; i++)
        {
            var directions = new List<Tensor>();
            foreach (var suffix in lstm ? (string[])[$"l{i}", $"l{i}_reverse"] : [$"l{i}"])
            {
                var cell = new RnnWeights(
                    weights["weight_ih_" + suffix],
                    weights["weight_hh_" + suffix],
                    weights["bias_ih_" + suffix],
                    weights["bias_hh_" + suffix]
                );
                var below = nn.functional.linear(x, cell.InputWeight, cell.InputBias);
                var (y, h, c) = math.Layer(below, cell, (h0[last.Count], c0?[last.Count]), null,
                    lstm ? RecurrentCell.Lstm : RecurrentCell.Gru, suffix.EndsWith("reverse", StringComparison.Ordinal));
                directions.Add(y);
                last.Add(h);
                if (c is not null) lastCells.Add(c);
            }
            x = cat([.. directions], -1);
        }
        var output = x.transpose(0, 1);                                         // (B, T, D)
        RnnGolden.Same(golden.Values("output"), output, 1e-5);
        RnnGolden.Same(golden.Values("hn"), stack([.. last]), 1e-5);
        if (lstm) RnnGolden.Same(golden.Values("cn"), stack([.. lastCells]), 1e-5);

        (output * golden.Tensor("output_cotangent")).sum().backward();
        BackwardGuard.ThrowIfFailed();
        RnnGolden.SameGradient(golden.Values("grad.input"), input.grad, "input");
        foreach (var (key, weight) in weights) RnnGolden.SameGradient(golden.Values("grad." + key), weight.grad, key);
    }

    [Theory]
    [InlineData("dot")]
    [InlineData("general")]
    [InlineData("mlp")]
    public void Energies_match_OpenNmt(string kind)
    {
        using var scope = NewDisposeScope();
        using var golden = new RnnGolden("onmt_attention_" + kind);
        var (query, memory) = (golden.Tensor("query"), golden.Tensor("memory"));             // (B, T, D), (B, S, D)
        var lengths = new SequenceLengths([.. golden.Whole("memory_lengths").Select(length => (int)length)], torch.CPU);
        var keys = kind switch
        {
            // OpenNMT projects the query where JoeyNMT projects the keys: q·(W k) with W transposed.
            "general" => nn.functional.linear(memory, golden.Tensor("param.linear_in.weight").t()),
            "mlp" => nn.functional.linear(memory, golden.Tensor("param.linear_context.weight")),
            _ => memory,
        };
        var attention =
            kind == "mlp"
                ? new AttentionWeights(
                    golden.Tensor("param.linear_query.weight"),
                    golden.Tensor("param.linear_query.bias"),
                    golden.Tensor("param.v.weight"),
                    memory,
                    memory
                )
                : new AttentionWeights(null, null, null, memory, memory);
        var hidden = lengths.Seen(memory.shape[1]).logical_not();
        var align = stack([.. Enumerable.Range(0, (int)query.shape[1])
            .Select(t => PlainRnnMath.Energies(query.select(1, t), keys, attention).Hide(hidden).softmax(-1))], 1);
        RnnGolden.Same(golden.Values("align"), align, 1e-5);
        var vector = nn.functional.linear(cat([align.bmm(memory), query], -1), golden.Tensor("param.linear_out.weight"),
            kind == "mlp" ? golden.Tensor("param.linear_out.bias") : null);
        RnnGolden.Same(golden.Values("attn_h"), kind == "mlp" ? vector : vector.tanh(), 1e-5);
    }

    public static TheoryData<Seq2SeqConfig> EveryKind { get; } = new(
        from cell in Enum.GetValues<RecurrentCell>()
        from attention in Enum.GetValues<AttentionEnergy>()
        from shape in (Func<Seq2SeqConfig, Seq2SeqConfig>[])
        [
            config => config,
            config => config with { InputFeeding = false, Layers = 1, ReverseSource = true },
            config => config with { Bidirectional = false, Start = DecoderStart.Copy, DEncoder = config.DModel },
        ]
        let config = shape(new Seq2SeqConfig(23, 20, 20, 10, 2, 12, cell, Attention: attention, TieEmbeddings: true, ShareEmbeddings: true))
        select config);

    [Theory]
    [MemberData(nameof(EveryKind))]
    public void Fused_loops_give_what_libtorch_gives(Seq2SeqConfig config)
    {
        using var scope = NewDisposeScope();
        Assert.Empty(config.Problems());
        using var fused = new Seq2Seq(config, Compute.Host());
        using var plain = new Seq2Seq(config, Compute.Torch());
        var batch = new PairBatch(
            [3, 9, 4, 7, 11, 22, 5, 0, 0, 8, 13, 2],
            [4, 2, 4],
            [1, 5, 6, 1, 9, 9, 1, 7, 2],
            [5, 6, 2, 9, 9, -1, 7, 2, -1]
        );
        fused.Parameters.Initialize(4);
        plain.Parameters.Initialize(4);
        RnnGolden.Same(plain.Logits(batch).data<float>().ToArray(), fused.Logits(batch), 1e-5);
        foreach (var model in (Seq2Seq[])[fused, plain]) model.Loss(batch, 1).backward();
        BackwardGuard.ThrowIfFailed();
        foreach (var tensor in config.Tensors())
            RnnGolden.SameGradient(
                plain.Parameters[tensor.Name].grad!.contiguous().data<float>().ToArray(),
                fused.Parameters[tensor.Name].grad,
                tensor.Name
            );
    }

    [Fact]
    public void Bf16_products_stay_near_fp32()
    {
        using var scope = NewDisposeScope();
        var config = new Seq2SeqConfig(23, 32, 32, 16, 2, 12);
        using var wide = new Seq2Seq(config, Compute.Host());
        using var narrow = new Seq2Seq(config, Compute.Host(bfloat16: true));
        foreach (var model in (Seq2Seq[])[wide, narrow]) model.Parameters.Initialize(4);
        var batch = new PairBatch([3, 9, 4, 7, 11, 22, 5, 0], [4, 3], [1, 5, 6, 1, 9, 9], [5, 6, 2, 9, 9, -1]);
        foreach (var model in (Seq2Seq[])[wide, narrow]) model.Loss(batch, 1).backward();
        BackwardGuard.ThrowIfFailed();
        foreach (var tensor in config.Tensors())
        {
            var (expected, actual) = (wide.Parameters[tensor.Name].grad!, narrow.Parameters[tensor.Name].grad!.to(ScalarType.Float32));
            Assert.True((expected - actual).norm().item<float>() <= 0.05 * expected.norm().item<float>() + 1e-3, tensor.Name);
        }
    }

    private static RnnMath Math(bool fused) => fused ? new FusedRnnMath() : new PlainRnnMath();

    private static Seq2Seq Model(RnnGolden golden, Seq2SeqConfig config, bool fused)
    {
        var model = new Seq2Seq(config, fused ? Compute.Host() : Compute.Torch());
        model.Import((name, values) => golden.Values("param." + name).CopyTo(values, 0));
        return model;
    }
}
