using System.Runtime.InteropServices;
using CsCheck;
using Dolmen.Artifacts;
using Dolmen.Tokenization;

namespace Dolmen.Tests.Tokenization;

public class TokenShardTests
{
    [Theory]
    [InlineData(256)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(200_000)]
    public void What_is_written_is_read(int vocabSize) => Gen.Int[0, vocabSize - 1].Array[0, 300].Array[0, 5].Sample(documents =>
    {
        using var folder = new Samples.Folder();
        var path = folder.File("train.bin");
        int[] all = [.. documents.SelectMany(tokens => tokens)];
        Assert.Equal(all.Length,
            TokenShardWriter.Write(path, vocabSize, writer => Array.ForEach(documents, tokens => writer.Append(tokens))));
        using var shard = TokenShard.Open(path, vocabSize);
        Assert.Equal(all.Length, shard.Length);
        var from = all.Length / 3;
        var read = new int[all.Length - from];
        shard.Read(from, read);
        Assert.Equal(all[from..], read);
        Assert.Throws<ArgumentOutOfRangeException>(() => shard.Read(from + 1, read));
        Assert.Throws<ArgumentOutOfRangeException>(() => shard.Read(-1, read));
    }, iter: 20);

    [Fact]
    public void The_bytes_are_those_of_llm_c()
    {
        using var folder = new Samples.Folder();
        var path = folder.File("val.bin");
        TokenShardWriter.Write(path, 50257, writer => writer.Append([50256, 1, 258]));
        var bytes = File.ReadAllBytes(path);
        Assert.Equal([20240520, 1, 3, 0], MemoryMarshal.Cast<byte, int>(bytes)[..4].ToArray());
        Assert.Equal([0x50, 0xC4, 0x01, 0x00, 0x02, 0x01], bytes[1024..]);
        TokenShardWriter.Write(path, 128256, writer => writer.Append([128000]));
        bytes = File.ReadAllBytes(path);
        Assert.Equal([20240801, 7, 1], MemoryMarshal.Cast<byte, int>(bytes)[..3].ToArray());
        Assert.Equal([0x00, 0xF4, 0x01, 0x00], bytes[1024..]);
    }

    [Theory]
    [InlineData(0, 1, "begins with")]
    [InlineData(4, 7, "begins with")]
    [InlineData(8, 4, "3 tokens|4 tokens")]
    [InlineData(8, -1, "-1 tokens")]
    public void A_changed_header_is_refused(int offset, int value, string expected)
    {
        using var folder = new Samples.Folder();
        var path = Shard(folder);
        var bytes = File.ReadAllBytes(path);
        MemoryMarshal.Write(bytes.AsSpan(offset), value);
        File.WriteAllBytes(path, bytes);
        var message = Assert.Throws<UserErrorException>(() => TokenShard.Open(path)).Message;
        Assert.Contains(expected.Split('|'), part => message.Contains(part));
    }

    [Fact]
    public void A_file_cut_short_or_grown_is_refused()
    {
        using var folder = new Samples.Folder();
        var path = Shard(folder);
        var bytes = File.ReadAllBytes(path);
        foreach (var length in (int[])[0, 10, 1023, 1024, bytes.Length - 1])
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.Throws<UserErrorException>(() => TokenShard.Open(path));
        }
        File.WriteAllBytes(path, [.. bytes, 0]);
        Assert.Throws<UserErrorException>(() => TokenShard.Open(path));
        Assert.Throws<UserErrorException>(() => TokenShard.Open(folder.File("missing.bin")));
    }

    [Fact]
    public void Tokens_outside_the_vocabulary_are_found()
    {
        using var folder = new Samples.Folder();
        var path = Shard(folder);
        Assert.Contains("the token 30 at position 2",
            Assert.Throws<UserErrorException>(() => TokenShard.Open(path, vocabSize: 30)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenShardWriter.Write(path, 30, writer => writer.Append([30])));
    }

    [Fact]
    public void A_failure_leaves_the_old_file_and_nothing_else()
    {
        using var folder = new Samples.Folder();
        var path = Shard(folder);
        Assert.Throws<IOException>(() => TokenShardWriter.Write(path, 100, writer =>
        {
            writer.Append([1]);
            throw new IOException("no more input");
        }));
        using var shard = TokenShard.Open(path);
        Assert.Equal(3, shard.Length);
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    private static string Shard(Samples.Folder folder)
    {
        var path = folder.File("train.bin");
        TokenShardWriter.Write(path, 100, writer => writer.Append([10, 20, 30]));
        return path;
    }
}
