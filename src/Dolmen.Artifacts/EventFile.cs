using System.Buffers.Binary;
using System.Text;

namespace Dolmen.Artifacts;

/// <summary>
/// A TensorBoard event file: TFRecords (length, masked CRC-32C of the length, data, masked CRC-32C of the data) of Event messages, whose
/// few protobuf fields are written by hand: wall_time = 1, step = 2, file_version = 3, summary = 5 {value = 1 {tag = 1, simple_value = 2}}.
/// </summary>
public sealed class EventFile : IDisposable
{
    private static readonly uint[] Table = MakeTable();
    private readonly FileStream _file;
    private readonly TimeProvider _clock;

    /// <summary>Starts a new file in <paramref name="directory"/>; TensorBoard reads all of a directory's files as one run.</summary>
    public EventFile(string directory, TimeProvider? clock = null)
    {
        _clock = clock ?? TimeProvider.System;
        var path = Path.Combine(directory, $"events.out.tfevents.{_clock.GetUtcNow().ToUnixTimeMilliseconds()}.dolmen");
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        using var version = Event(step: null);
        WriteBytes(version, 3, "brain.Event:2"u8);
        WriteRecord(version);
    }

    public void Scalars(int step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        using var summary = new MemoryStream();
        Span<byte> single = stackalloc byte[4];
        foreach (var (tag, value) in scalars)
        {
            using var entry = new MemoryStream();
            WriteBytes(entry, 1, Encoding.UTF8.GetBytes(tag));
            entry.WriteByte((2 << 3) | 5);
            BinaryPrimitives.WriteSingleLittleEndian(single, (float)value);
            entry.Write(single);
            WriteBytes(summary, 1, entry.GetBuffer().AsSpan(0, (int)entry.Length));
        }
        using var message = Event(step);
        WriteBytes(message, 5, summary.GetBuffer().AsSpan(0, (int)summary.Length));
        WriteRecord(message);
        _file.Flush();
    }

    public void Dispose() => _file.Dispose();

    internal static uint MaskedCrc(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            var crc = ~0u;
            foreach (var value in data) crc = Table[(crc ^ value) & 0xFF] ^ (crc >> 8);
            crc = ~crc;
            return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
        }
    }

    private MemoryStream Event(int? step)
    {
        var message = new MemoryStream();
        message.WriteByte((1 << 3) | 1);
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(time, _clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0);
        message.Write(time);
        if (step is not { } value) return message;
        message.WriteByte(2 << 3);
        WriteVarint(message, (ulong)value);
        return message;
    }

    private void WriteRecord(MemoryStream message)
    {
        var data = message.GetBuffer().AsSpan(0, (int)message.Length);
        Span<byte> header = stackalloc byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], MaskedCrc(header[..8]));
        _file.Write(header);
        _file.Write(data);
        Span<byte> footer = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(footer, MaskedCrc(data));
        _file.Write(footer);
    }

    private static void WriteBytes(Stream to, int field, ReadOnlySpan<byte> bytes)
    {
        to.WriteByte((byte)((field << 3) | 2));
        WriteVarint(to, (ulong)bytes.Length);
        to.Write(bytes);
    }

    private static void WriteVarint(Stream to, ulong value)
    {
        for (; value >= 0x80; value >>= 7) to.WriteByte((byte)(value | 0x80));
        to.WriteByte((byte)value);
    }

    // CRC-32C, reflected polynomial 0x82F63B78 (Castagnoli).
    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            table[i] = crc;
        }
        return table;
    }
}
