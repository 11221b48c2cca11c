using Dolmen.Benchmarks;
using TorchSharp;
using static TorchSharp.torch;

namespace Dolmen.Tests.Benchmarks;

/// <summary>Benchmarks are run by people, rarely: here each case runs once, so that none is broken when it is wanted.</summary>
[Collection(Fakes.ProcessSettings.Name)]
public class BenchmarkCases
{
    public static TheoryData<string> Kernels => [.. KernelCase.All.Select(kernel => kernel.Name)];

    public static TheoryData<string> Contexts => [.. ContextCase.All.Select(contestant => contestant.Name)];

    [Theory, MemberData(nameof(Kernels))]
    public void A_kernel_case_runs_in_both_types(string name)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var scope = NewDisposeScope();
            var race = KernelCase.All.First(kernel => kernel.Name == name).Prepare(type);
            race.Ours();
            race.Theirs();
            race.Release?.Invoke();
        }
    }

    [Theory, MemberData(nameof(Contexts))]
    public void A_context_case_runs_and_is_as_large_as_the_others(string name)
    {
        var contestant = ContextCase.All.First(candidate => candidate.Name == name);
        Assert.InRange((double)contestant.Config.Parameters / ContextCase.All[0].Config.Parameters, 0.96, 1.04);
        var measured = ContextBenchmark.Measure(contestant, 256, seconds: 0, TestContext.Current.CancellationToken).ToList();
        Assert.Equal(["train", "prefill", "decode", "state"], measured.Select(row => row.Measure));
        Assert.All(measured, row => Assert.True(row.Value.Median > 0));
    }
}
