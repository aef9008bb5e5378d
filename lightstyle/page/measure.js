// The sides of a picture, upright, without decoding it.

/** Width and height of a file. */
export async function measured(file) {
  const url = URL.createObjectURL(file), image = new Image();
  try {
    await new Promise((done, failed) => {
      image.onload = done;
      image.onerror = () => failed(new Error("no picture"));
      image.src = url;
    });
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(url);
  }
}
