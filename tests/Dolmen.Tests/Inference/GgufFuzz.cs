using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Checkpoints.Gguf;
using Dolmen.Inference;
using Dolmen.Tests.Checkpoints;

namespace Dolmen.Tests.Inference;

/// <summary>Damaged GGUF files: each is refused in words, or is a model that computes something, within bounded memory.</summary>
public sealed class GgufFuzz : IDisposable
{
    private const long MostBytes = 256L << 20;                           // allocated for a file of some kilobytes

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("llama", GgmlType.F32)]
    [InlineData("llama", GgmlType.Q80)]
    [InlineData("llama", GgmlType.Q40)]
    [InlineData("mamba", GgmlType.BF16)]
    public void No_damaged_file_breaks_loading_or_running(string kind, GgmlType type)
    {
        DecoderConfig config = kind == "llama"
            ? new TransformerConfig(40, 32, 1, 2, 1, 16, 32, 128) : new MambaConfig(40, 32, 1, 4096, 64, 4);
        GgufExport.Write(_folder["whole.gguf"], "x", config, tensor => RandomModel.Values(tensor.Name, tensor.Shape, 1),
            [("tokenizer.ggml.model", GgufValue.Of("none"))], type);
        var whole = File.ReadAllBytes(_folder["whole.gguf"]);
        using (var file = GgufModel.Open(_folder["whole.gguf"])) Run(file);
        var header = whole.AsSpan().LastIndexOf("weight"u8) + 64;        // after the last tensor's name come only weights
        foreach (var seed in FuzzTime.Seeds(400))
        {
            var random = new StableRandom(seed);
            random.NextUInt64();
            var at = random.Next(random.Next(8) == 0 ? whole.Length : Math.Min(header, whole.Length));
            var value = random.Next(3) == 0
                ? (byte)(whole[Math.Min(at, whole.Length - 1)] ^ (1 << random.Next(8))) : (byte)random.Next(256);
            var bytes = Mutations.Damage(whole, at, value, random.Next(8) == 0 ? 1 + random.Next(3) : 0, random.Next(whole.Length));
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Mutations.Try(_folder["damaged.gguf"], bytes, path =>
                {
                    using var file = GgufModel.Open(path);
                    Run(file);
                });
            }
            catch (Exception error)
            {
                Assert.Fail($"Case {seed}, byte {at} to {value}: {error}");
            }
            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(taken < MostBytes, $"Case {seed}, byte {at} to {value}, took {taken >> 20} MB.");
        }
    }

    private static void Run(GgufModel file)
    {
        using var model = DecoderModel.Load(file);
        using var state = model.NewState(4);
        model.Prefill([1, 2, 3], state, new float[model.Config.VocabSize]);
    }
}
