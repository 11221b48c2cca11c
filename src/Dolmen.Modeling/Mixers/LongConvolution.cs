// B batch, T sequence, H features, C channels, L kernel length, F frequencies
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Mixers;

/// <summary>Causal convolutions with kernels as long as the sequence, by FFT.</summary>
public static class LongConvolution
{
    /// <summary>y(t) = Σₗ K(l)·u(t − l) + D·u(t): u (B, T, H), kernel (C, H, L), skip D (C, H) → (B, T, C·H), channel by channel.</summary>
    public static Tensor Apply(Tensor u, Tensor kernel, Tensor skip)
    {
        using var scope = NewDisposeScope();
        var (b, t, h, c) = (u.shape[0], u.shape[1], u.shape[2], kernel.shape[0]);
        Layers.Shape.Check(nameof(kernel), kernel, c, h, kernel.shape[2]);
        Layers.Shape.Check(nameof(skip), skip, c, h);
        var length = Math.Min(t, kernel.shape[2]);
        var n = EasyLength(t + length - 1);
        var x = u.to(kernel.dtype).transpose(1, 2).unsqueeze(1);                // (B, 1, H, T)
        var spectrum = fft.rfft(x, n, -1) * fft.rfft(kernel.narrow(-1, 0, length), n, -1);      // (B, C, H, F) complex
        var y = fft.irfft(spectrum, n, -1).narrow(-1, 0, t) + x * skip.unsqueeze(-1);           // (B, C, H, T)
        return y.permute(0, 3, 1, 2).reshape(b, t, c * h).to(u.dtype).MoveToOuterDisposeScope();              // (B, T, C·H)
    }

    /// <summary>The next even number without prime factors above 5: no padding shows, and FFTs of such lengths are quick.</summary>
    internal static long EasyLength(long least)
    {
        for (var n = least + least % 2; ; n += 2)
        {
            var rest = n;
            foreach (var prime in (ReadOnlySpan<long>)[2, 3, 5])
            {
                while (rest > 1 && rest % prime == 0) rest /= prime;
            }
            if (rest == 1) return n;
        }
    }
}
