using System.Text.Json;

namespace Dolmen.PipelineTests;

[CollectionDefinition(nameof(QuickstartFixture))]
public sealed class QuickstartCollection : ICollectionFixture<QuickstartFixture>;

[Collection(nameof(QuickstartFixture))]
public sealed class Quickstart(QuickstartFixture quickstart)
{
    [Fact]
    public void The_result_holds_what_scripts_rely_on()
    {
        var result = quickstart.Result;
        foreach (var name in new[] { "seconds", "peakMemoryBytes", "parameters", "tokens" })
            Assert.True(result.GetProperty(name).GetDouble() > 0, name);
        Assert.InRange(result.GetProperty("peakMemoryBytes").GetInt64(), 1, 4L << 30);
        foreach (var model in new[] { "base", "sft", "dpo" })
        {
            var metrics = result.GetProperty("evaluation").GetProperty(model);
            Assert.InRange(metrics.GetProperty("bitsPerByte").GetDouble(), 0.2, 4);
            foreach (var name in new[] { "acc", "acc_norm", "acc_norm_stderr", "acc_norm_5shot", "refusal_invented" })
                Assert.InRange(metrics.GetProperty(name).GetDouble(), 0, 1);
        }
    }

    [Fact]
    public void Held_out_bits_per_byte_fall()
    {
        var bits = File.ReadLines(Path.Combine(quickstart.Run, "base", "metrics.jsonl"))
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty("bitsPerByte", out _))
            .Select(line => line.GetProperty("bitsPerByte").GetDouble())
            .ToList();
        // A machine that others use trains on few tokens in its half a minute, and validates once for them.
        Assert.NotEmpty(bits);
        Assert.True(bits[^1] < (bits.Count > 1 ? bits[0] : 3), string.Join(", ", bits));
    }

    [Fact]
    public void The_report_needs_no_network()
    {
        var report = File.ReadAllText(Path.Combine(quickstart.Run, "report.html"));
        Assert.DoesNotContain("src=\"http", report, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<link", report, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<script src", report, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("<svg", report, StringComparison.Ordinal);
    }
}
