using Dolmen.Inference;
using Dolmen.Tests.Fakes;

namespace Dolmen.Tests.Inference;

/// <summary>Against logits that Hugging Face transformers computed from the same checkpoints.</summary>
public class GoldenLogitsTests
{
    /// <summary>One for every architecture and layout, with the goldens' own tolerance; logits reach 7.</summary>
    public static readonly TheoryData<string, string, float> Goldens = new()
    {
        { "llama_gqa", "llama_gqa", 1e-4f }, { "llama_gqa_sharded", "llama_gqa", 1e-4f }, { "llama_gqa_bf16", "llama_gqa_bf16", 1e-4f },
        { "llama_tied_rope3", "llama_tied_rope3", 1e-4f }, { "mistral_swa", "mistral_swa", 1e-4f }, { "qwen2", "qwen2", 1e-4f },
        { "qwen3", "qwen3", 1e-4f }, { "mixtral", "mixtral", 1e-4f }, { "gpt2", "gpt2", 1e-4f }, { "mamba", "mamba", 2e-4f },
        { "mamba2", "mamba2", 2e-4f }, { "jamba", "jamba", 2e-4f },
    };

    [Theory]
    [MemberData(nameof(Goldens))]
    public void Logits_are_those_of_transformers(string checkpoint, string name, float tolerance)
    {
        using var model = (DecoderModel)ModelFolder.LoadModel(GoldenFolder.Of(checkpoint));
        using var golden = new GoldenFolder(name);
        var ids = golden.Longs("input_ids", out var shape).Select(id => (int)id).ToArray();
        var logits = golden.Floats("logits");
        int length = (int)shape[1], vocab = model.Config.VocabSize;
        var actual = new float[length * vocab];
        for (var sequence = 0; sequence < shape[0]; sequence++)
        {
            var expected = logits.AsSpan(sequence * length * vocab, length * vocab);
            // At once, in odd pieces, and token by token.
            foreach (var piece in (int[])[length, 7, 1])
            {
                using var state = model.NewState(length);
                for (var t = 0; t < length; t += piece)
                {
                    var count = Math.Min(piece, length - t);
                    model.Logits(ids.AsSpan(sequence * length + t, count), state, actual.AsSpan(t * vocab, count * vocab));
                }
                var worst = 0f;
                for (var i = 0; i < actual.Length; i++) worst = Math.Max(worst, Math.Abs(expected[i] - actual[i]));
                Assert.True(worst <= tolerance, $"{checkpoint} in pieces of {piece}: off by {worst:g3}");
            }
        }
    }

    [Fact]
    public void Log_probabilities_are_the_log_softmax_of_the_logits_of_transformers()
    {
        using var model = ModelFolder.LoadModel(GoldenFolder.Of("llama_gqa"));
        using var golden = new GoldenFolder("llama_gqa");
        var ids = golden.Longs("input_ids", out var shape).Select(id => (int)id).ToArray();
        var logits = golden.Floats("logits");
        int length = (int)shape[1], vocab = model.Config.VocabSize;
        var actual = new double[length - 1];
        model.LogProbs(ids.AsSpan(0, length - 1), ids.AsSpan(1, length - 1), model.NewState(length), actual);
        for (var t = 0; t < actual.Length; t++)
        {
            var row = logits.AsSpan(t * vocab, vocab).ToArray();
            var expected = row[ids[t + 1]] - Math.Log(row.Sum(x => Math.Exp(x)));
            Assert.Equal(expected, actual[t], 1e-4);
        }
    }

    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_tied_rope3")]
    [InlineData("mistral_swa")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    [InlineData("mixtral")]
    [InlineData("gpt2")]
    [InlineData("mamba")]
    [InlineData("mamba2")]
    [InlineData("jamba")]
    public void Greedy_decoding_gives_the_tokens_of_transformers(string name)
    {
        using var model = ModelFolder.LoadModel(GoldenFolder.Of(name));
        using var golden = new GoldenFolder(name);
        var (prompt, expected) = (golden.Prompt, golden.Continuation);
        using var state = model.NewState(prompt.Length + expected.Length);
        var logits = new float[model.Config.VocabSize];
        var sampler = new Sampler(SamplingOptions.Greedy);
        model.Prefill(prompt, state, logits);
        var tokens = new List<int>();
        foreach (var _ in expected)
        {
            tokens.Add(sampler.Sample(logits));
            model.Step(tokens[^1], state, logits);
        }
        Assert.Equal(expected, tokens);
    }
}
