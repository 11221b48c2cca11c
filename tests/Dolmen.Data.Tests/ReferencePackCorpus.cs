using Dolmen.Artifacts;
using Dolmen.Data;
using Dolmen.Data.Building;

namespace Dolmen.Tests.Data;

public class ReferencePackCorpus
{
    [Fact]
    public void The_documentation_of_the_running_SDK_makes_a_sound_corpus()
    {
        using var fixture = new CorpusFixture();
        CorpusReport report;
        try
        {
            report = CorpusBuild.Run(new CorpusRecipe(), [], fixture.Output, 0, CorpusFixture.NoProgress, CancellationToken.None).Report;
        }
        catch (UserErrorException stripped)
        {
            Assert.Skip(stripped.Message);
            return;
        }
        Assert.InRange(report.Parts, 40_000, 200_000);
        Assert.InRange(report.HeldOut / (double)(report.Parts + report.HeldOut), 0.04, 0.06);
        Assert.Equal(1000, report.MultipleChoice);
        Assert.Contains(
            "## System.String.Trim(Char[] trimChars)\n",
            string.Join('\n', CorpusText.ReadDocuments(fixture.Output).Concat(CorpusText.ReadHeldOut(fixture.Output))),
            StringComparison.Ordinal
        );
        CorpusChecks.HeldOutIsUnseen(fixture.Output);
        CorpusChecks.MultipleChoiceIsSound(fixture.Output);
        CorpusChecks.InventedNamesAreInvented(fixture.Output);
    }
}
