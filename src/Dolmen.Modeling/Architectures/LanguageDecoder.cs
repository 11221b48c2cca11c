// B batch, T sequence, N rows (= B·T), D model, V vocab
using Dolmen.Artifacts;
using Dolmen.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Dolmen.Modeling.Architectures;

/// <summary>A decoder that says the next token at every position: what pretraining, fine-tuning and preferences train.</summary>
public sealed class LanguageDecoder : Decoder
{
    private readonly string _head;

    public LanguageDecoder(DecoderConfig config, Compute compute) : base(config, compute, Initializers.Hidden) =>
        _head = Plan.Head is LanguageHeadSpec head
            ? head.Weight ?? Plan.Embedding
            : throw new ArgumentException($"The head is a {Plan.Head.GetType().Name}, which has no logits of tokens.", nameof(config));

    /// <summary>A model folder's weights, ready to be trained on.</summary>
    /// <exception cref="UserErrorException">Missing, damaged, or not a decoder that continues a text.</exception>
    public static new LanguageDecoder Load(string directory, Compute compute)
    {
        Require(HuggingFaceFolder.LoadConfig(directory), directory);
        return (LanguageDecoder)TrainableModel.Load(directory, compute);
    }

    /// <exception cref="UserErrorException">The configuration of a folder is not that of a decoder that continues a text.</exception>
    public static DecoderConfig Require(ModelConfig config, string directory) => config switch
    {
        DecoderConfig { Head: null } decoder => decoder,
        DecoderConfig => throw new UserErrorException(
            $"'{directory}' holds a model that scores or classifies texts and cannot continue one: its head has no logits of tokens. "
                + "Use the language model it was made from."
        ),
        _ => throw new UserErrorException(
            $"'{directory}' holds an encoder–decoder ({HuggingFaceFolder.ModelType(config)}), which writes a target for a source: chats "
                + "and preferences train a model that continues one text. Use a decoder such as llama, qwen3 or mamba, or train this kind "
                + "on pairs with 'dolmen model pretrain --pairs'."
        ),
    };

    /// <summary>tokens (B, T) int64 → logits (B, T, V) fp32. For tests and sampling; training never holds them whole.</summary>
    public Tensor Logits(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var logits = functional.linear(Hidden(tokens), Parameters[_head]);      // (N, V)
        return logits.to(ScalarType.Float32).view(tokens.shape[0], tokens.shape[1], -1).MoveToOuterDisposeScope();
    }

    /// <summary>scale · Σ −log p(target), scalar; a negative target does not count. tokens, targets (B, T) int64.</summary>
    /// <param name="segments">The texts of packed rows, each read as if it were alone; null takes every row as one text.</param>
    public Tensor Loss(Tensor tokens, Tensor targets, double scale, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        var loss = LayerMath.CrossEntropy(Hidden(tokens, segments), Parameters[_head], targets.view(-1), scale);
        return WithRouterLosses(loss, () => targets.ge(0).sum().item<long>() * scale).MoveToOuterDisposeScope();
    }

    /// <summary>Forward and backward: adds the gradients of <see cref="Loss"/> to the sum in <see cref="TrainableModel.Parameters"/> and
    /// returns the loss. Parts of the rows run side by side.</summary>
    /// <param name="first">Begins a new sum.</param>
    /// <inheritdoc cref="Loss"/>
    public double Backward(Tensor tokens, Tensor targets, double scale, bool first, Segments? segments = null)
    {
        var rows = tokens.shape[0];
        var parts = CanDivideRows ? BatchParts.Count(rows) : 1;
        var losses = new double[parts];
        Parameters.Divide(parts);
        BatchParts.Run(parts, part =>
        {
            using var scope = NewDisposeScope();
            var start = BatchParts.Start(rows, parts, part);
            var count = BatchParts.Start(rows, parts, part + 1) - start;
            var loss = Loss(
                tokens.narrow(0, start, count),
                targets.narrow(0, start, count),
                scale,
                parts == 1 ? segments : segments?.OfRows(start, count)
            );
            loss.backward();
            Layers.BackwardGuard.ThrowIfFailed();
            losses[part] = loss.item<float>();
        });
        Parameters.TakeGradients(first);
        return losses.Sum();
    }

    /// <summary>log p(target), (B, T) fp32; 0 where the target is negative. tokens, targets (B, T) int64.</summary>
    /// <inheritdoc cref="Loss"/>
    public Tensor LogProbs(Tensor tokens, Tensor targets, Segments? segments = null)
    {
        using var scope = NewDisposeScope();
        var logProbs = LayerMath.LogProbs(Hidden(tokens, segments), Parameters[_head], targets.view(-1));        // (N)
        return logProbs.view(tokens.shape).MoveToOuterDisposeScope();
    }
}
