using Dolmen.Data.Cleaning;
using Dolmen.Data.Reports;

namespace Dolmen.Tests.Data.Cleaning;

public sealed class EmptyInputs : IDisposable
{
    private readonly CorpusTrial _trial = new();

    public void Dispose() => _trial.Dispose();

    [Fact]
    public void An_input_of_damaged_lines_says_what_is_wrong_with_the_first_and_inspect_repeats_it()
    {
        File.WriteAllText(_trial.At("x.jsonl"), "{\"text\": \nnot json\n");
        const string Why = "no document could be read from 1 file: unparsable-json 2. The first unparsable-json is at x.jsonl:1 " +
            "(x.jsonl is not valid JSON at line 1, column 10: It ends before an object or array in it is closed).";
        Assert.Equal(Why, _trial.Build("out", ["x.jsonl"]).WhyEmpty());
        Assert.Equal(Why, CorpusInspection.WhyEmpty(_trial.At("out")));
    }
}
