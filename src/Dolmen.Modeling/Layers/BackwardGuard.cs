using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>
/// Runs the backward part of our autograd functions. A managed exception would cross libtorch's frames and end the process: it is kept,
/// no gradient is returned, and the trainer throws it after the pass. And what a function has used is released when the next one runs,
/// not at the end of the step: the same warm memory then serves layer after layer.
/// </summary>
public static class BackwardGuard
{
    [ThreadStatic] private static Exception? _failure;
    [ThreadStatic] private static List<Tensor>? _returned;

    /// <param name="body">Gets the saved tensors, returns one gradient an argument of forward; null where it has none.</param>
    internal static List<Tensor> Run(
        autograd.AutogradContext ctx,
        int arguments,
        IReadOnlyList<Tensor> incoming,
        Func<List<Tensor>, List<Tensor?>> body
    )
    {
        ReleaseReturned();
        // After a failure the gradients that come in are undefined.
        if (_failure is not null) return [.. new Tensor[arguments]];
        List<Tensor?> gradients;
        try
        {
            using var scope = NewDisposeScope();
            gradients = body(ctx.get_saved_variables());
            foreach (var gradient in gradients) gradient?.DetachFromDisposeScope();
        }
        catch (Exception error)
        {
            _failure ??= error;
            gradients = [.. new Tensor?[arguments]];
        }
        // libtorch takes its own references when this returns; ours, and those to the incoming gradients, can go at the next call.
        _returned = [.. gradients.OfType<Tensor>(), .. incoming];
        return gradients!;
    }

    /// <summary>Called in forward. Lets undefined gradients, which a failure leaves, come in as they are: TorchSharp would make zeros from
    /// an output that may be gone by then, and throw across libtorch's frames.</summary>
    internal static void Begin(autograd.AutogradContext ctx) => ctx.set_materialize_grads(false);

    /// <exception cref="InvalidOperationException">A backward pass on this thread failed since the last call.</exception>
    public static void ThrowIfFailed()
    {
        ReleaseReturned();
        if (_failure is not { } failure) return;
        _failure = null;
        throw new InvalidOperationException($"The backward pass failed: {failure.Message}", failure);
    }

    private static void ReleaseReturned()
    {
        foreach (var tensor in _returned ?? []) tensor.Dispose();
        _returned = null;
    }
}
