// N rows, D inputs, F outputs
using Dolmen.Modeling.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Modeling.Layers;

/// <summary>The three products of a layer with weight (F, D): by libtorch, or by our packed fp32 kernels.</summary>
/// <param name="Packed">Ours; all tensors are then fp32.</param>
internal readonly unsafe record struct LinearProducts(bool Packed)
{
    /// <summary>y = x·Wᵀ; x (N, D), weight (F, D) → (N, F).</summary>
    public Tensor Outputs(Tensor x, Tensor weight, Tensor? bias = null)
    {
        if (!Packed) return bias is null ? x.mm(weight.t()) : addmm(bias, x, weight.t(), 1, 1);
        var (n, d, f) = (x.shape[0], x.shape[1], weight.shape[0]);
        var y = bias is null ? empty(n, f) : bias.expand(n, f).contiguous();    // (N, F)
        Run(MatrixView.RowMajor(Pointer(x), d), MatrixView.Transposed(Pointer(weight), d), y, d, accumulate: bias is not null);
        return y;
    }

    /// <summary>dx = dy·W; dy (N, F), weight (F, D) → (N, D).</summary>
    public Tensor InputGradient(Tensor dy, Tensor weight)
    {
        if (!Packed) return dy.mm(weight);
        var (n, d) = (dy.shape[0], weight.shape[1]);
        var dx = empty(n, d);                                                   // (N, D)
        SetInputGradient(dx, dy, weight);
        return dx;
    }

    /// <summary>dx = dy·W, written over the contiguous rows of <paramref name="dx"/> (N, D).</summary>
    public void SetInputGradient(Tensor dx, Tensor dy, Tensor weight)
    {
        if (!Packed)
        {
            dx.addmm_(dy, weight, 0, 1);
            return;
        }
        var (f, d) = (dy.shape[1], weight.shape[1]);
        Run(MatrixView.RowMajor(Pointer(dy), f), MatrixView.RowMajor(Pointer(weight), d), dx, f, accumulate: false);
    }

    /// <summary>dW = dyᵀ·x; dy (N, F), x (N, D) → (F, D).</summary>
    public Tensor WeightGradient(Tensor dy, Tensor x)
    {
        if (!Packed) return dy.t().mm(x);
        var dWeight = empty(dy.shape[1], x.shape[1]);                           // (F, D)
        AddWeightGradient(dWeight, dy, x, accumulate: false);
        return dWeight;
    }

    /// <summary>dW += dyᵀ·x, in place.</summary>
    public void AddWeightGradient(Tensor dWeight, Tensor dy, Tensor x)
    {
        if (Packed) AddWeightGradient(dWeight, dy, x, accumulate: true);
        else dWeight.addmm_(dy.t(), x, 1, 1);
    }

    private static void AddWeightGradient(Tensor dWeight, Tensor dy, Tensor x, bool accumulate)
    {
        var (n, f, d) = (dy.shape[0], dy.shape[1], x.shape[1]);
        Run(MatrixView.Transposed(Pointer(dy), f), MatrixView.RowMajor(Pointer(x), d), dWeight, n, accumulate);
    }

    private static void Run(MatrixView a, MatrixView b, Tensor c, long depth, bool accumulate)
    {
        var (rows, columns) = ((int)c.shape[0], (int)c.shape[1]);
        MatrixProduct.Run(a, b, Pointer(c), columns, rows, columns, (int)depth, accumulate, OpenMpTeam.Shared, OpenMpTeam.Threads);
    }

    private static float* Pointer(Tensor tensor) => TensorMemory.Pointer<float>(tensor);
}
