using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class TextFilesTests
{
    [Fact]
    public void Folders_are_read_in_the_order_of_names_and_lines_of_jsonl_are_documents()
    {
        using var folder = new Samples.Folder();
        Directory.CreateDirectory(folder.File("below"));
        File.WriteAllText(folder.File("below/c.txt"), "third");
        File.WriteAllText(folder.File("b.jsonl"), "{\"text\":\"first\",\"id\":\"1\"}\n\n{\"text\":\"second\"}\n");
        File.WriteAllBytes(folder.File("picture.png"), [1, 2, 3]);
        Assert.Equal(["first", "second", "third"], TextFiles.Read(TextFiles.Find([folder.Path])));
    }

    [Fact]
    public void What_cannot_be_read_is_named()
    {
        using var folder = new Samples.Folder();
        Assert.Contains("holds no text", Assert.Throws<UserErrorException>(() => TextFiles.Find([folder.Path])).Message);
        Assert.Contains("missing.txt", Assert.Throws<UserErrorException>(() => TextFiles.Find([folder.File("missing.txt")])).Message);
        File.WriteAllText(folder.File("a.jsonl"), "{\"text\":\"fine\"}\n{\"texts\":1}\n");
        Assert.Contains("line 2", Assert.Throws<UserErrorException>(() => TextFiles.Read([folder.File("a.jsonl")]).Count()).Message);
    }
}
