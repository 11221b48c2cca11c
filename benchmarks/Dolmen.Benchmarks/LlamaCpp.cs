using LLama;
using LLama.Common;
using LLama.Native;

namespace Dolmen.Benchmarks;

/// <summary>llama.cpp on a GGUF file, through LLamaSharp: sequences of one context, as many as are asked for.</summary>
internal sealed class LlamaCpp : IDisposable
{
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _context;

    static LlamaCpp()
    {
        // The one that this processor runs best; llama.cpp's own log would cover the progress.
        NativeLibraryConfig.All.WithLogCallback((_, _) => { });
    }

    public LlamaCpp(string path, int sequences, int context, int threads)
    {
        var parameters = new ModelParams(path)
        {
            GpuLayerCount = 0,
            ContextSize = (uint)(sequences * context),
            SeqMax = (uint)sequences,
            BatchSize = (uint)Math.Max(512, sequences * context),
            UBatchSize = 512,
            Threads = threads,
            BatchThreads = threads,
            KVUnified = false,
        };
        _weights = LLamaWeights.LoadFromFile(parameters);
        _context = _weights.CreateContext(parameters);
    }

    /// <summary>Bytes of a sequence's state as it is saved.</summary>
    public long StateBytes => (long)(ulong)_context.NativeHandle.GetStateSize((LLamaSeqId)0);

    /// <summary>Takes in tokens of sequence 0, the logits of the last being computed; what it held before is forgotten.</summary>
    public void Prefill(int[] tokens)
    {
        _context.NativeHandle.MemoryClear(false);
        var batch = new LLamaBatch();
        for (var i = 0; i < tokens.Length; i++) batch.Add(tokens[i], i, (LLamaSeqId)0, i == tokens.Length - 1);
        Decode(batch);
        _context.NativeHandle.GetLogitsIth(tokens.Length - 1);
    }

    /// <summary>Takes in the same tokens in each of some sequences.</summary>
    public void Fill(int[] tokens, int sequences)
    {
        _context.NativeHandle.MemoryClear(false);
        for (var sequence = 0; sequence < sequences; sequence++)
        {
            var batch = new LLamaBatch();
            for (var i = 0; i < tokens.Length; i++) batch.Add(tokens[i], i, (LLamaSeqId)sequence, i == tokens.Length - 1);
            Decode(batch);
        }
    }

    /// <summary>One token for each of some sequences, all logits computed.</summary>
    public void Step(int token, int position, int sequences)
    {
        var batch = new LLamaBatch();
        for (var sequence = 0; sequence < sequences; sequence++) batch.Add(token, position, (LLamaSeqId)sequence, true);
        Decode(batch);
        _context.NativeHandle.GetLogitsIth(sequences - 1);
    }

    /// <summary>The logits that the last step gave a sequence.</summary>
    public float[] Logits(int index) => _context.NativeHandle.GetLogitsIth(index).ToArray();

    public void Dispose()
    {
        _context.Dispose();
        _weights.Dispose();
    }

    private void Decode(LLamaBatch batch)
    {
        var result = _context.NativeHandle.Decode(batch);
        if (result != DecodeResult.Ok) throw new InvalidOperationException($"llama.cpp refused a batch: {result}.");
    }
}
