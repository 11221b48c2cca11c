namespace Dolmen.Checkpoints;

/// <summary>x·w/√(mean(x²)+ε) (Zhang and Sennrich 2019), or with a bias (x−mean)·w/√(var+ε)+b (Ba et al. 2016).</summary>
/// <param name="Bias">The bias tensor of a LayerNorm; null is an RMSNorm.</param>
public sealed record NormSpec(string Weight, int Size, double Epsilon, string? Bias = null)
{
    public bool IsLayerNorm => Bias is not null;

    public IEnumerable<TensorShape> Tensors()
    {
        yield return new(Weight, [Size]);
        if (Bias is not null) yield return new(Bias, [Size]);
    }
}
