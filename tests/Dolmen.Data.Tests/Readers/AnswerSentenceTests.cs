using Dolmen.Data.Readers;

namespace Dolmen.Tests.Data.Readers;

public class AnswerSentenceTests
{
    [Theory]
    [InlineData("The kiln holds forty pots.", true)]
    [InlineData("Removes the ash from the grate.", true)]
    [InlineData("kiln_ctl opens the damper of a kiln.", true)]
    [InlineData("Do not open the door while it burns.", true)]
    [InlineData("This section describes the kilns.", false)]
    [InlineData("It holds forty pots at most.", false)]
    [InlineData("However, the kiln holds forty pots.", false)]
    [InlineData("The following kilns are in use.", false)]
    [InlineData("The kiln is opened as follows:", false)]
    [InlineData("The kiln is opened", false)]
    [InlineData("Is the kiln open by now?", false)]
    [InlineData("TEMPORARY or TEMP", false)]
    [InlineData("KILN [ IF COLD ] name [, ...] (a | b) = {1}.", false)]
    [InlineData("Kilns, pots and clay of the north.", false)]
    [InlineData("In this case the kiln cools down.", false)]
    [InlineData("open the door of the kiln.", false)]
    public void Whole_sentences_that_stand_alone_are_answers(string sentence, bool expected) =>
        Assert.Equal(expected, AnswerSentence.Is(sentence, english: true));

    [Fact]
    public void Below_its_name_a_phrase_defines() =>
        Assert.True(AnswerSentence.Is("The name of the kiln.", english: true, isDefinition: true));

    [Theory]
    [InlineData("Chapter 12. Kilns", "Kilns")]
    [InlineData("F.28.5. Random-Draft Functions", "Random-Draft Functions")]
    [InlineData("3.1 Glazes", "Glazes")]
    [InlineData("Appendix B: Clay", "Clay")]
    [InlineData("IV. Tools", "Tools")]
    [InlineData("12. Wheels ¶", "Wheels")]
    [InlineData("7 ways to fail", "7 ways to fail")]
    [InlineData("3D prints", "3D prints")]
    [InlineData("Version 2.0", "Version 2.0")]
    [InlineData("2026", "2026")]
    [InlineData("The **[kiln](kiln.md)** {#top}", "The kiln")]
    [InlineData("CLI. Commands", "CLI. Commands")]
    public void Titles_are_said_without_numbers_and_markup(string heading, string expected) =>
        Assert.Equal(expected, SectionTitle.Clean(heading));

    [Theory]
    [InlineData("Use tongs, e.g. long ones. Then wait.", "Use tongs, e.g. long ones.|Then wait.")]
    [InlineData("It melts (at 900 deg. or more. Always) and flows. Done.", "It melts (at 900 deg. or more. Always) and flows.|Done.")]
    [InlineData("Version 2.5 of J. Potter is out! Buy it.", "Version 2.5 of J. Potter is out!|Buy it.")]
    [InlineData("name [, ...] is a list. Next.", "name [, ...] is a list.|Next.")]
    [InlineData("No end", "No end")]
    public void Sentences_end_where_a_reader_sees_their_end(string text, string expected) =>
        Assert.Equal(expected.Split('|'), Sentences.Of(text));
}
