import { byId } from './elements.js'

/**
 * Photographs. A phone has its own camera for a file field; elsewhere the picture comes from the video of a camera, and
 * where there is none, or it may not be used, from a file.
 *
 * @param {(files: readonly File[]) => void} take
 */
export function createCamera(take) {
  const dialog = byId('camera-dialog', HTMLDialogElement)
  const video = byId('video', HTMLVideoElement)
  const hint = byId('camera-hint', HTMLElement)
  const shoot = byId('shoot', HTMLButtonElement)
  const capture = byId('capture', HTMLInputElement)
  /** @type {MediaStream | undefined} */
  let stream

  capture.addEventListener('change', () => {
    take([...(capture.files ?? [])])
    capture.value = ''
  })

  byId('shoot-file', HTMLButtonElement).addEventListener('click', () => {
    dialog.close()
    capture.click()
  })

  function letGo() {
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = undefined
    video.srcObject = null
  }
  dialog.addEventListener('close', letGo)

  shoot.addEventListener('click', async () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight)
    canvas.getContext('2d')?.drawImage(video, 0, 0)
    const photograph = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 })
    take([new File([photograph], 'photograph.jpg', { type: 'image/jpeg' })])
    dialog.close()
  })

  return async function open() {
    if (matchMedia('(pointer: coarse)').matches) return capture.click()
    hint.textContent = 'Waiting for the camera.'
    shoot.disabled = true
    video.hidden = true
    dialog.showModal()
    try {
      const wanted = { video: { facingMode: 'environment', width: { ideal: 1920 } } }
      const opened = await navigator.mediaDevices.getUserMedia(wanted)
      // It may have been closed while the browser asked.
      stream = opened
      if (!dialog.open) return letGo()
      video.srcObject = stream
      await video.play()
      hint.textContent = 'The picture stays here until you ask.'
      video.hidden = false
      shoot.disabled = false
    } catch {
      hint.textContent = 'No camera can be used here: there is none, or this page may not use it.'
    }
  }
}
