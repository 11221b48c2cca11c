using Dolmen.Data;

namespace Dolmen.Tests.Data;

public class XmlDocumentation
{
    [Theory]
    [InlineData("M:System.String.Trim", "", "System.String.Trim()")]
    [InlineData("M:System.String.Trim(System.Char[])", "<param name='trimChars'>x</param>", "System.String.Trim(Char[] trimChars)")]
    [InlineData("M:A.B.#ctor(System.Int32)", "<param name='size'>x</param>", "new A.B(Int32 size)")]
    [InlineData("M:A.List`1.Add(`0)", "<param name='item'>x</param>", "A.List<TItem>.Add(TItem item)")]
    [InlineData("M:A.List`1.Enumerator.MoveNext", "", "A.List<TItem>.Enumerator.MoveNext()")]
    [InlineData(
        "M:A.B.Map``2(System.Collections.Generic.IEnumerable{``0},System.Func{``0,System.Collections.Generic.List{``1}})",
        "<typeparam name='TIn'/><typeparam name='TOut'/><param name='items'/><param name='map'/>",
        "A.B.Map<TIn, TOut>(IEnumerable<TIn> items, Func<TIn, List<TOut>> map)"
    )]
    [InlineData(
        "M:A.B.TryGet(System.String,System.Int32@)",
        "<param name='key'/><param name='value'/>",
        "A.B.TryGet(String key, ref Int32 value)"
    )]
    [InlineData("M:A.B.Copy(System.Void*,System.Int32[0:,0:])", "", "A.B.Copy(Void*, Int32[,])")]
    [InlineData("M:A.B.op_Addition(A.B,A.B)", "<param name='left'/><param name='right'/>", "A.B.operator +(B left, B right)")]
    [InlineData("M:A.B.op_CheckedMultiply(A.B,A.B)", "", "A.B.operator checked *(B, B)")]
    [InlineData("M:A.B.op_Explicit(A.B)~System.Int32", "<param name='value'/>", "A.B.explicit operator Int32(B value)")]
    [InlineData("P:A.List`1.Item(System.Int32)", "<param name='index'/>", "A.List<TItem>.this[Int32 index]")]
    [InlineData("P:System.String.Length", "", "System.String.Length")]
    [InlineData("P:A.B.System#Collections#ICollection#SyncRoot", "", "A.B.ICollection.SyncRoot")]
    [InlineData(
        "M:A.B.System#Numerics#IAdd{System#Int32@System#Int32}#op_Subtraction(A.B,A.B)",
        "",
        "A.B.IAdd<Int32, Int32>.operator -(B, B)"
    )]
    [InlineData(
        "M:A.B.Use(System.Collections.Generic.Dictionary{System.String,A.B}.KeyCollection)",
        "",
        "A.B.Use(Dictionary<String, B>.KeyCollection)"
    )]
    public void Member_ids_become_readable_signatures(string id, string tags, string signature)
    {
        using var fixture = new CorpusFixture().Members(
            ("T:A.List`1", "<summary>A list.</summary><typeparam name='TItem'>x</typeparam>"),
            (id, "<summary>The summary.</summary>" + tags)
        );
        fixture.Build();
        Assert.Contains($"## {signature}\nThe summary.\n", fixture.Documents(), StringComparison.Ordinal);
    }

    [Fact]
    public void Tags_become_readable_text()
    {
        using var fixture = new CorpusFixture().Members(("M:A.B.C(System.Int32)", """
            <summary>
              Sets <paramref name="x"/> of <see cref="T:System.Collections.Generic.List`1"/> to <see langword="null"/>,
              as <see cref="M:System.String.Trim(System.Char)"/> <c>does</c>.
            </summary>
            <param name="x">The <typeparamref name="T"/>.</param>
            <returns>Nothing.</returns>
            <exception cref="T:System.ArgumentException">It is odd.</exception>
            <remarks><para>One.</para><list type="bullet"><item><term>Key</term><description>Value</description></item></list></remarks>
            <example><code>
                if (odd)
                    Stop();
            </code></example>
            """));
        fixture.Build();
        Assert.Equal("""
            # A.B

            ## A.B.C(Int32 x)
            Sets x of List<T> to null, as String.Trim `does`.
            Parameters:
            - x: The T.
            Returns: Nothing.
            Throws ArgumentException: It is odd.
            One.
            - Key: Value
            Example:
            if (odd)
                Stop();

            """.ReplaceLineEndings("\n"), fixture.Documents());
    }

    [Fact]
    public void A_type_heads_the_document_of_its_members_and_members_are_sorted()
    {
        using var fixture = new CorpusFixture().Members(
            ("M:A.B.Second", "<summary>Two.</summary>"),
            ("M:A.B.First", "<summary>One.</summary>"),
            ("T:A.B", "<summary>A type.</summary>"),
            ("T:A.Alone", "<summary>No members.</summary>")
        );
        fixture.Build();
        Assert.Equal(
            ["# Types of A\n\n## A.Alone\nNo members.\n", "# A.B\nA type.\n\n## A.B.First()\nOne.\n\n## A.B.Second()\nTwo.\n"],
            CorpusText.ReadDocuments(fixture.Output)
        );
    }

    [Fact]
    public void A_member_in_two_files_counts_once_and_the_drop_is_reported()
    {
        using var fixture = new CorpusFixture()
            .File("a.xml", "<doc><members><member name=\"M:A.B.C\"/><member name=\"M:A.B.D\"/></members></doc>")
            .File("b.xml", "<doc><members><member name=\"M:A.B.C\"><summary>Told here.</summary></member></members></doc>");
        var report = fixture.Build();
        Assert.Equal(1, report.Parts);
        Assert.Equal(1, report.Dropped["duplicate"]);
        Assert.Equal(1, report.Dropped["empty-summary"]);
        Assert.Contains("Told here.", fixture.Documents(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<doc><members><member name=\"M:A.B\">")]
    [InlineData("<!DOCTYPE doc [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><doc>&b;</doc>")]
    [InlineData("not xml")]
    [InlineData("")]
    public void Xml_that_does_not_parse_is_skipped_and_counted(string broken)
    {
        using var fixture = new CorpusFixture().Members(("M:A.B.C", "<summary>Good.</summary>")).File("broken.xml", broken);
        Assert.Equal(1, fixture.Build().Dropped["unparsable-xml"]);
        Assert.Contains("Good.", fixture.Documents(), StringComparison.Ordinal);
    }
}
