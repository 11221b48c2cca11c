using Dolmen.Artifacts;
using Dolmen.Data.Cleaning;
using Dolmen.Data.Reports;
using Dolmen.Tests.Data.Fuzz;
using Dolmen.Tests.Tables;

namespace Dolmen.Tests.Data.Reports;

/// <summary>A finished corpus whose files were damaged afterwards: what asks it says which file, and never answers from half of
/// it.</summary>
public sealed class DamagedCorpora
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Measurements_that_are_damaged_are_named(bool footer)
    {
        using var corpora = new BuiltFixture();
        var directory = corpora.Build("corpus");
        var file = Directory.GetFiles(Path.Combine(directory, CorpusFolder.Measurements), "*.parquet").Single();
        var bytes = File.ReadAllBytes(file);
        if (footer) bytes.AsSpan(bytes.Length - 12, 4).Fill(0xFF);
        else bytes.AsSpan(4, ParquetFile.Footer(bytes) - 4).Fill(0xFF);
        File.WriteAllBytes(file, bytes);
        foreach (var ask in (Action[])
            [
                () => WhatIf.Ask(directory, ["filters.gopherQuality.minWords=30"], 5, 2, CancellationToken.None),
                () => CorpusInspection.Find(directory, new InspectQuery(Limit: 1000, Full: true), CancellationToken.None),
                () => CorpusReportPage.Write(directory),
            ])
            Assert.Contains(file, Assert.Throws<UserErrorException>(ask).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_that_are_damaged_are_named()
    {
        using var corpora = new BuiltFixture();
        var directory = corpora.Build("corpus");
        var file = Directory.GetFiles(Path.Combine(directory, CorpusFolder.Documents), "*.parquet").Single();
        var bytes = File.ReadAllBytes(file);
        bytes.AsSpan(4, 16).Fill(0xFF);
        File.WriteAllBytes(file, bytes);
        Assert.Contains(
            file,
            Assert
                .Throws<UserErrorException>(() =>
                    CorpusInspection.Find(directory, new InspectQuery(Kept: true, Limit: 10, Full: true), CancellationToken.None)
                )
                .Message,
            StringComparison.Ordinal
        );
    }
}
