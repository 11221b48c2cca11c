using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>A managed exception inside a backward pass would cross libtorch's frames and end the process. It is kept here instead,
/// zeros stand in for the gradients, and the trainer throws it after the pass.</summary>
public static class BackwardGuard
{
    [ThreadStatic] private static Exception? _failure;

    internal static List<Tensor?> Run(Func<List<Tensor?>> backward, params ReadOnlySpan<Tensor?> like)
    {
        try
        {
            return backward();
        }
        catch (Exception error)
        {
            _failure ??= error;
            var zeros = new List<Tensor?>();
            foreach (var tensor in like) zeros.Add(tensor is null ? null : zeros_like(tensor));
            return zeros;
        }
    }

    /// <exception cref="InvalidOperationException">A backward pass on this thread failed since the last call.</exception>
    public static void ThrowIfFailed()
    {
        if (_failure is not { } failure) return;
        _failure = null;
        throw new InvalidOperationException($"The backward pass failed: {failure.Message}", failure);
    }
}
