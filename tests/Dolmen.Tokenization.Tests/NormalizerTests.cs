using System.Text.Json;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class NormalizerTests
{
    /// <summary>A text and its four forms, as ICU gives them.</summary>
    private static readonly string[][] Golden = [.. File.ReadLines(Path.Combine(Samples.Goldens, "normalization.jsonl")).Select(line =>
        JsonDocument.Parse(line).RootElement.EnumerateArray().Select(form => form.GetString() ?? "").ToArray())];

    [Theory]
    [InlineData(1, true, false)]
    [InlineData(2, false, false)]
    [InlineData(3, true, true)]
    [InlineData(4, false, true)]
    public void Texts_get_the_forms_of_Unicode(int form, bool compose, bool compatibility)
    {
        var normalizer = new UnicodeNormalizer(compose, compatibility);
        foreach (var row in Golden)
        {
            Assert.Equal(row[form], normalizer.Apply(row[0]));
            Assert.Equal(row[form], normalizer.Apply(row[form]));
            if (normalizer.Keeps(row[0])) Assert.Equal(row[form], row[0]);
        }
    }

    [Fact]
    public void Spaces_at_the_ends_and_in_a_row_go()
    {
        var normalizer = new SpacesNormalizer();
        Assert.Equal("a b", normalizer.Apply("  a   b  ▁ "));
        Assert.True(normalizer.Keeps("a b"));
        Assert.False(normalizer.Keeps("a  b"));
    }
}
