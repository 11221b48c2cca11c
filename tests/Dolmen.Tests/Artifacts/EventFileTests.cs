using System.Buffers.Binary;
using System.Text;
using Dolmen.Artifacts;

namespace Dolmen.Tests.Artifacts;

public class EventFileTests
{
    /// <summary>RFC 3720, B.4: CRC-32C of 32 zero bytes is 0x8A9136AA; TensorFlow's mask rotates right by 15 and adds 0xA282EAD8.</summary>
    [Fact]
    public void The_checksum_is_castagnolis_masked()
    {
        var crc = 0x8A9136AAu;
        Assert.Equal(unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8), EventFile.MaskedCrc(new byte[32]));
    }

    [Fact]
    public void Records_are_whole_and_hold_tag_and_value()
    {
        var directory = Directory.CreateTempSubdirectory("dolmen-test-").FullName;
        try
        {
            using (var file = new EventFile(directory)) file.Scalars(300, ("train/loss", 2.5));
            var bytes = File.ReadAllBytes(Directory.GetFiles(directory).Single());
            var records = new List<byte[]>();
            for (var at = 0; at < bytes.Length;)
            {
                var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
                Assert.Equal(EventFile.MaskedCrc(bytes.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
                records.Add(bytes[(at + 12)..(at + 12 + length)]);
                Assert.Equal(EventFile.MaskedCrc(records[^1]), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
                at += 16 + length;
            }
            Assert.Equal(2, records.Count);
            Assert.Contains("brain.Event:2", Encoding.ASCII.GetString(records[0]), StringComparison.Ordinal);
            // step 300 = varint AC 02; tag, then fixed32 2.5
            byte[] expected = [0x10, 0xAC, 0x02, 0x2A, 0x13, 0x0A, 0x11, 0x0A, 0x0A, .. "train/loss"u8, 0x15, 0, 0, 0x20, 0x40];
            Assert.Equal(expected, records[1][9..]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
