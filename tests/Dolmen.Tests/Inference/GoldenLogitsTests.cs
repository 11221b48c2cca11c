using System.Runtime.InteropServices;
using System.Text.Json;
using Dolmen.Checkpoints;
using Dolmen.Inference;

namespace Dolmen.Tests.Inference;

/// <summary>Against logits that Hugging Face transformers computed from the same checkpoints.</summary>
public class GoldenLogitsTests
{
    [Theory]
    [InlineData("llama_gqa", "llama_gqa")]
    [InlineData("llama_gqa_sharded", "llama_gqa")]
    [InlineData("llama_gqa_bf16", "llama_gqa_bf16")]
    public void Logits_are_those_of_transformers(string checkpoint, string golden)
    {
        using var model = ModelFolder.LoadModel(Folder(checkpoint));
        var (ids, logits, length) = Golden(golden);
        var vocab = model.Config.VocabSize;
        var actual = new float[vocab];
        for (var sequence = 0; sequence < 2; sequence++)
        {
            var state = model.NewState(length);
            for (var t = 0; t < length; t++)
            {
                model.Step(ids[sequence * length + t], state, actual);
                AssertClose(logits.AsSpan((sequence * length + t) * vocab, vocab), actual, 1e-4f);
            }
        }
    }

    [Fact]
    public void Log_probabilities_are_the_log_softmax_of_the_logits_of_transformers()
    {
        using var model = ModelFolder.LoadModel(Folder("llama_gqa"));
        var (ids, logits, length) = Golden("llama_gqa");
        var vocab = model.Config.VocabSize;
        var actual = new float[length - 1];
        model.LogProbs(ids.AsSpan(0, length - 1), ids.AsSpan(1, length - 1), model.NewState(length), actual);
        for (var t = 0; t < actual.Length; t++)
        {
            var row = logits.AsSpan(t * vocab, vocab).ToArray();
            var expected = row[ids[t + 1]] - Math.Log(row.Sum(x => Math.Exp(x)));
            Assert.Equal(expected, actual[t], 1e-4);
        }
    }

    [Fact]
    public void Greedy_decoding_gives_the_tokens_of_transformers()
    {
        using var model = ModelFolder.LoadModel(Folder("llama_gqa"));
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder("llama_gqa"), "golden.json")));
        int[] Ids(string name) => [.. golden.RootElement.GetProperty(name).EnumerateArray().Select(item => item.GetInt32())];
        var (prompt, expected) = (Ids("prompt"), Ids("greedy_new_tokens"));
        var state = model.NewState(prompt.Length + expected.Length);
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

    private static string Folder(string name) => Path.Combine(AppContext.BaseDirectory, "Inference", "Goldens", name);

    private static (int[] Ids, float[] Logits, int Length) Golden(string name)
    {
        using var file = SafetensorsFile.Open(Path.Combine(Folder(name), "golden.safetensors"));
        var entry = file.Find("input_ids") ?? throw new InvalidDataException(name);
        var ids = new long[entry.Elements];
        file.ReadBytes("input_ids", 0, MemoryMarshal.AsBytes(ids.AsSpan()));
        var logits = new float[(file.Find("logits") ?? throw new InvalidDataException(name)).Elements];
        file.Read("logits", logits);
        return ([.. ids.Select(id => (int)id)], logits, (int)entry.Shape[1]);
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float tolerance)
    {
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }
}
