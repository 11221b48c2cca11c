using Dolmen.Artifacts;
using Dolmen.Data.Alignment;
using Dolmen.Data.Readers;

namespace Dolmen.Tests.Data.Alignment;

/// <summary>What is asked about sections, terms and passages, and with which sentence it is answered.</summary>
public class SectionQuestionTests
{
    private const string Page = """
        <html><body><div class="navheader"><table><tr><th colspan="2">Chapter 7. Kilns</th></tr>
        <tr><td>Prev</td><td>Next</td></tr></table></div>
        <div class="refentry"><h2>7.4. LIGHT KILN</h2><p>LIGHT KILN — start a kiln up to its working temperature</p>
        <h2>Synopsis</h2><pre>LIGHT KILN [ IF COLD ] name [, ...]</pre>
        <h2>Description</h2><p>LIGHT KILN starts the burners of a kiln. It waits for the sensors (see Section 7.2).</p>
        <h2>Parameters</h2><dl>
        <dt>IF COLD</dt><dd><p>Do not throw an error when the kiln burns already.</p></dd>
        <dt>ramp_minutes (integer)</dt><dd><p>Sets how long the kiln takes to reach its temperature.</p><p>The default is 90.</p></dd>
        <dt>-q</dt><dt>--quiet</dt><dd><p>Suppresses the messages of the burners.</p></dd>
        <dt>cone</dt><dd><p>see above, where cones are</p></dd></dl>
        <h2>Notes</h2><p>A cold chimney draws badly, and the first minutes of a fire are therefore the smokiest.</p>
        <h3 class="title">Tip</h3><p>Close the damper at night.</p>
        <h2>7.4.1. Random-Draft Chimneys</h2><p>This one is odd. Random-draft chimneys are chimneys without a damper.</p>
        <table><tr><th>Name</th><th>Height</th></tr><tr><td>short</td><td>3 m</td></tr></table>
        <h2>See Also</h2><p>COOL KILN, CLEAN KILN and all of the other commands that are about kilns.</p></div></body></html>
        """;

    private static readonly List<Entry> Entries = [.. HtmlReader.Parse(Page, "light-kiln.html", new Funnel())];

    private static Entry Named(string name) => Entries.Single(e => e.Name == name);

    private static Question? Meaning(Entry entry, string salt = "a") => Question.Ask(entry, QuestionKind.Meaning, salt);

    private static IEnumerable<Question> InAllWays(Entry entry, QuestionKind kind = QuestionKind.Meaning) =>
        Enumerable.Range(0, 40).Select(i => Question.Ask(entry, kind, $"{i}")).OfType<Question>();

    [Fact]
    public void Headings_lose_their_numbers_and_navigation_is_not_text()
    {
        Assert.Equal("LIGHT KILN", Entries[0].Name);
        Assert.Equal("LIGHT KILN: Random-Draft Chimneys", Named("Random-Draft Chimneys").Signature);
        Assert.DoesNotContain(Entries, e => $"{e.Summary}{e.Remarks}".Contains("Prev", StringComparison.Ordinal));
        Assert.DoesNotContain(Entries, e => e.Name == "Tip");
        Assert.Equal("Tip: Close the damper at night.", Named("Notes").Remarks);
    }

    [Fact]
    public void A_description_answers_what_its_page_is_about()
    {
        string[] expected =
        [
            "What does LIGHT KILN do?", "What is LIGHT KILN for?", "Explain LIGHT KILN.", "Describe LIGHT KILN in one sentence.",
        ];
        var asked = InAllWays(Named("Description")).ToList();
        Assert.Equal(expected.Order(), asked.Select(q => q.Prompt).Distinct().Order());
        Assert.All(asked, q => Assert.Equal("LIGHT KILN starts the burners of a kiln.", q.Answer));
    }

    [Fact]
    public void The_line_below_a_title_says_what_it_is_for()
    {
        var question = Meaning(Entries[0]);
        Assert.Contains("LIGHT KILN", question?.Prompt, StringComparison.Ordinal);
        Assert.Equal("Start a kiln up to its working temperature.", question?.Answer);
    }

    [Fact]
    public void Terms_are_entries_and_options_go_by_their_long_name()
    {
        Assert.Equal(
            ["IF COLD", "ramp_minutes", "-q, --quiet"],
            Entries.Where(e => e.Kind == EntryKind.Term).Select(e => e.Name)
        );
        Assert.Contains("- cone: see above, where cones are", Named("Parameters").Remarks, StringComparison.Ordinal);
        Assert.All(InAllWays(Named("-q, --quiet")), q => Assert.Contains("`--quiet`", q.Prompt, StringComparison.Ordinal));
        Assert.All(InAllWays(Named("IF COLD")), q => Assert.Contains("IF COLD in LIGHT KILN", q.Prompt, StringComparison.Ordinal));
        Assert.Equal("Sets how long the kiln takes to reach its temperature.", Meaning(Named("ramp_minutes"))?.Answer);
    }

    [Fact]
    public void What_only_shows_or_lists_is_not_asked_about()
    {
        Assert.Empty(Named("Synopsis").Summary);
        Assert.Empty(InAllWays(Named("Synopsis")));
        Assert.Empty(InAllWays(Named("See Also")));
        Assert.Empty(InAllWays(Named("Parameters")));
    }

    [Fact]
    public void A_sentence_that_points_at_another_gives_way_to_one_that_stands_alone()
    {
        var topic = Named("Random-Draft Chimneys");
        Assert.Empty(topic.Summary);
        Assert.All(
            InAllWays(topic),
            q =>
            {
                Assert.Equal("Random-draft chimneys are chimneys without a damper.", q.Answer);
                Assert.Contains("random-draft chimneys", q.Prompt, StringComparison.Ordinal);
            }
        );
        Assert.Contains("| short | 3 m |", topic.Remarks, StringComparison.Ordinal);
    }

    [Fact]
    public void Notes_are_asked_about_with_the_subject_of_their_page()
    {
        Assert.All(InAllWays(Named("Notes")), q => Assert.Contains("LIGHT KILN", q.Prompt, StringComparison.Ordinal));
        Assert.NotEmpty(InAllWays(Named("Notes")));
    }

    [Fact]
    public void A_sentence_that_defines_something_is_asked_by_what_it_defines()
    {
        const string text = "# Pottery\n\n## Firing the work\nPots are fired twice at most. A pyrometric cone is a small pyramid that "
            + "bends in the heat. The result is a surprise. It is a joy.\n";
        var section = MarkdownReader.Parse(text, "pottery.md", new Funnel()).Last();
        var asked = InAllWays(section, QuestionKind.Definition).ToList();
        Assert.NotEmpty(asked);
        Assert.All(asked, q => Assert.Equal("A pyrometric cone is a small pyramid that bends in the heat.", q.Answer));
        Assert.All(asked, q => Assert.Contains("a pyrometric cone", q.Prompt, StringComparison.Ordinal));
    }

    [Fact]
    public void Bullets_of_Markdown_that_explain_a_word_are_terms()
    {
        const string text = "# Wheel\n\n## Options\nThere are a few.\n\n- `--speed N`: sets how fast the wheel turns\n"
            + "- **Brake**: Stops the wheel within\n  a single turn.\n- nothing that is explained\n\n"
            + "Underlined\n----------\nThe motor of the wheel is quiet.\n";
        var entries = MarkdownReader.Parse(text, "wheel.md", new Funnel()).ToList();
        Assert.Equal("Stops the wheel within a single turn.", entries.Single(e => e.Name == "Brake").Summary);
        Assert.Equal("Sets how fast the wheel turns.", entries.Single(e => e.Name == "--speed N").Summary);
        Assert.Equal("Wheel: Brake", entries.Single(e => e.Name == "Brake").Signature);
        Assert.Contains("nothing that is explained", entries.Single(e => e.Name == "Options").Remarks, StringComparison.Ordinal);
        Assert.Equal("The motor of the wheel is quiet.", entries.Single(e => e.Name == "Underlined").Summary);
    }

    [Theory]
    [InlineData("Pre- and Post-Conditions", "pre- and post-conditions")]
    [InlineData("On/ Off", "on/ off")]
    [InlineData("- A -", "- a -")]
    public void Headings_with_marks_that_end_a_word_are_phrases(string heading, string phrase) =>
        Assert.Equal(phrase, TopicPhrase.Of(heading, ""));

    [Fact]
    public void Code_below_an_item_or_a_note_stays_code()
    {
        const string text = """
            # Kiln

            ## Start

            The burners of the kiln are lit first.

                indented --code

            ### Tip

            ```sh
            kiln \
              --hot

            - `not`: a term of this manual, but code
            ```

            ### Note

            - a list of things

            ## Options

            - `--ramp`: sets how fast the kiln gets hot.
              ```sh
              if cold; then
                kiln --ramp 3
              fi
              ```
            - `--hold`: sets how long the kiln stays hot.
            """;
        var entries = MarkdownReader.Parse(text.ReplaceLineEndings("\n"), "kiln.md", new Funnel()).ToList();
        Assert.Equal(
            "    indented --code\n\nTip:\n\n```sh\nkiln \\\n  --hot\n\n- `not`: a term of this manual, but code\n```\n\n"
                + "Note:\n\n- a list of things",
            entries.Single(e => e.Name == "Start").Remarks
        );
        Assert.Equal(["--ramp", "--hold"], entries.Where(e => e.Kind == EntryKind.Term).Select(e => e.Name));
        var ramp = entries.Single(e => e.Name == "--ramp").Remarks;
        Assert.Contains("\nif cold; then\n  kiln --ramp 3\nfi\n", ramp, StringComparison.Ordinal);
    }

    [Fact]
    public void Forms_and_navigation_in_a_table_are_not_text_and_a_class_of_the_whole_page_says_nothing()
    {
        const string page = """
            <html class="toc"><body class="nav"><main class="toc"><article class="navigation"><h1>Kilns</h1>
            <p>Kilns of all kinds are listed here, with what they burn.</p>
            <table><form action="x"><tr><th>Kiln<ul class="toc"><li>Jump</ul></th><th>Fuel</th></tr>
            <tr><td>short <form><input>Send</form></td><td>gas|wood</td></tr></table>
            <div class="toc">Contents</div></article></main></body></html>
            """;
        var entries = HtmlReader.Parse(page, "kilns.html", new Funnel());
        var text = string.Concat(entries.Select(e => $"{e.Signature}\n{e.Summary}\n{e.Remarks}"));
        Assert.Contains("Kilns\nKilns of all kinds are listed here, with what they burn.", text, StringComparison.Ordinal);
        Assert.Contains("| Kiln | Fuel |\n| short | gas\\|wood |", text, StringComparison.Ordinal);
        Assert.DoesNotMatch("Jump|Send|Contents", text);
    }

    [Fact]
    public void Prose_is_asked_by_sentences_of_which_one_continuation_is_right()
    {
        const string text = "The potter of the village walked down to the river in the early morning. Her bucket was full of grey clay, "
            + "and the path was steep.\nShe said: \"Never again will I carry it by hand to the house.\" The donkey that stood beside the "
            + "gate looked at the heavy bucket with great suspicion.";
        var passage = Passages.Cut(text, "tale", "tale.txt", new Funnel()).Single();
        var asked = InAllWays(passage, QuestionKind.Cloze).ToList();
        Assert.NotEmpty(asked);
        var flat = text.ReplaceLineEndings(" ");
        foreach (var question in asked)
        {
            var given = question.Prompt[(question.Prompt.IndexOf('"', StringComparison.Ordinal) + 1)..question.Prompt.LastIndexOf('"')];
            var whole = given.EndsWith(" …", StringComparison.Ordinal)
                ? $"{given[..^2]} {question.Answer}"
                : given.Replace("____", question.Answer, StringComparison.Ordinal);
            Assert.Contains(whole.TrimEnd('.'), flat.Replace(",", "", StringComparison.Ordinal) + flat, StringComparison.Ordinal);
            Assert.DoesNotContain("Never again", question.Prompt, StringComparison.Ordinal);
        }
        Assert.Null(Meaning(passage));
    }

    [Fact]
    public void The_salt_alone_chooses_the_phrasing()
    {
        var again = HtmlReader.Parse(Page, "light-kiln.html", new Funnel()).ToList();
        Assert.Equal(Entries.SelectMany(e => InAllWays(e)).Select(Asked), again.SelectMany(e => InAllWays(e)).Select(Asked));
        Assert.True(InAllWays(Named("Description")).Select(Asked).Distinct().Count() > 1);

        static (string, string) Asked(Question question) => (question.Prompt, question.Answer);
    }

    [Fact]
    public void Other_languages_are_asked_about_by_their_own_headings()
    {
        const string text = "# Handbuch\n\n## Öfen\nDer Ofen wird langsam auf die gewünschte Temperatur gebracht, und der Abzug bleibt "
            + "dabei offen. Danach kühlt er über Nacht ab, weil die Ware sonst springt und die Arbeit vergebens war.\n";
        var section = MarkdownReader.Parse(text, "handbuch.md", new Funnel()).Last();
        var question = Meaning(section);
        Assert.Contains("\"Öfen\"", question?.Prompt, StringComparison.Ordinal);
        Assert.Equal("Der Ofen wird langsam auf die gewünschte Temperatur gebracht, und der Abzug bleibt dabei offen.", question?.Answer);
    }
}
