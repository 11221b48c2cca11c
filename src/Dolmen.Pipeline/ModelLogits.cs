// T positions, D model, V vocab
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using Dolmen.Inference;
using Dolmen.Modeling;
using Dolmen.Modeling.Architectures;
using static TorchSharp.torch;

namespace Dolmen.Pipeline;

/// <summary>How logits are computed: all positions at once by the engine that trains, or one token after the other by the one that
/// decodes.</summary>
public enum LogitsMode { Parallel, Recurrent }

/// <summary>What a model says after each of some tokens, as a file: how other implementations are compared with ours.</summary>
public static class ModelLogits
{
    /// <param name="directory">A model folder, a run, or a GGUF file.</param>
    /// <param name="ids">T token ids.</param>
    /// <param name="source">What an encoder–decoder reads, <paramref name="ids"/> being its target so far; null for every other
    /// model.</param>
    /// <param name="precision">How a recurrent pass keeps the matrices.</param>
    /// <param name="path">A safetensors file with <c>logits</c> (T, V) fp32 and, if asked, <c>hidden_states.N</c> (T, D) fp32.</param>
    /// <exception cref="UserErrorException">Ids outside the vocabulary, too many of them, or hidden states of a recurrent pass;
    /// a parallel pass of a GGUF file.</exception>
    public static void Write(
        string directory,
        IReadOnlyList<int> ids,
        string path,
        LogitsMode mode,
        bool bfloat16 = false,
        bool hidden = false,
        IReadOnlyList<int>? source = null,
        WeightPrecision precision = WeightPrecision.Stored
    )
    {
        var folder = ModelFolder.Locate(directory);
        var config = ModelFolder.Config(folder);
        Check(config, ids, "--ids");
        var pairs = config is Seq2SeqConfig or EncoderDecoderConfig;
        if (pairs != source is not null)
        {
            throw new UserErrorException(pairs
                ? $"'{folder}' writes a target for a source: name the source too, for example --source 5,17,3."
                : $"--source goes with encoder–decoders only: '{folder}' reads one stream of tokens. Leave it out.");
        }
        if (source is not null)
            Check(config, source, "--source");
        if (pairs && hidden)
            throw new UserErrorException("--hidden goes with decoders only: an encoder–decoder has no one stream between its layers.");
        if (mode == LogitsMode.Parallel && ModelFolder.IsGguf(folder))
            throw new UserErrorException(
                $"'{folder}' is a GGUF file, which the training engine does not read: give --mode recurrent, or make a folder of it by "
                    + "'dolmen model import'."
            );
        if (mode == LogitsMode.Parallel && precision != WeightPrecision.Stored)
            throw new UserErrorException("--precision goes with --mode recurrent: a parallel pass computes in --dtype.");
        if (mode == LogitsMode.Parallel)
            WriteParallel(folder, ids, path, bfloat16, hidden, source);
        else if (hidden)
            throw new UserErrorException("--hidden goes with --mode parallel: the decoding engine keeps no stream between its layers.");
        else if (bfloat16)
            throw new UserErrorException(
                "--dtype bfloat16 goes with --mode parallel: the decoding engine computes in float32, whatever weights are stored in."
            );
        else
            WriteRecurrent(folder, ids, path, source, precision);
    }

    private static void Check(ModelConfig config, IReadOnlyList<int> ids, string option)
    {
        if (ids.Count == 0)
            throw new UserErrorException($"{option} is empty: name at least one token, for example {option} 5,17,3.");
        if (ids.Count > config.ContextLength)
            throw new UserErrorException($"{option} has {ids.Count} tokens but the model's context is {config.ContextLength}: give fewer.");
        foreach (var id in ids)
        {
            if (id < 0 || id >= config.VocabSize)
                throw new UserErrorException($"{option} has {id}: the model's vocabulary goes from 0 to {config.VocabSize - 1}.");
        }
    }

    private static void WriteParallel(
        string folder,
        IReadOnlyList<int> ids,
        string path,
        bool bfloat16,
        bool hidden,
        IReadOnlyList<int>? source
    )
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var model = TrainableModel.Load(folder, Compute.Host(bfloat16));
        long[] target = [.. ids.Select(id => (long)id)];
        var tokens = tensor(target, [1, ids.Count]);                                            // (1, T)
        List<(string Name, Tensor Values)> tensors =
        [
            (
                "logits",
                model switch
                {
                    SequencePairModel pairs => pairs.Logits(
                        new PairBatch([.. source!.Select(id => (long)id)], [source!.Count], target, target)
                    ),                                                                          // (1, T, V)
                    LanguageDecoder decoder => decoder.Logits(tokens),                          // (1, T, V)
                    ScalarDecoder scalar => scalar.Values(tokens).unsqueeze(2),                 // (1, T, 1)
                    ClassDecoder classes => classes.Logits(tokens).unsqueeze(1),                // (1, 1, K)
                    _ => throw new NotSupportedException($"{model.GetType().Name} has no logits."),
                }
            ),
        ];
        // (1, T, D) each
        if (hidden && model is Decoder body)
            tensors.AddRange(body.HiddenStates(tokens).Select((state, i) => ($"hidden_states.{i}", state)));
        Save(
            path,
            [
                .. tensors.Select(entry => new NamedTensor(
                    entry.Name,
                    [.. entry.Values.shape[1..]],
                    entry.Values.contiguous().data<float>().ToArray()
                )),
            ]
        );
    }

    private static void WriteRecurrent(
        string folder,
        IReadOnlyList<int> ids,
        string path,
        IReadOnlyList<int>? source,
        WeightPrecision precision
    )
    {
        using var model = ModelFolder.LoadModel(folder, precision: precision);
        var vocab = model.Config.VocabSize;
        var logits = new float[checked(ids.Count * vocab)];                                     // (T, V)
        using var state = model.NewState(ids.Count);
        if (source is not null && model is EncoderDecoderModel pairs) pairs.Encode([.. source], state);
        for (var i = 0; i < ids.Count; i++) model.Step(ids[i], state, logits.AsSpan(i * vocab, vocab));
        Save(path, [new NamedTensor("logits", [ids.Count, vocab], logits)]);
    }

    private static void Save(string path, IReadOnlyList<NamedTensor> tensors) =>
        SafetensorsWriter.Write(path, [.. tensors.Select(entry => new TensorShape(entry.Name, entry.Shape))], tensors, TensorDtype.Float32);
}
